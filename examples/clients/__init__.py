"""Small shops on published clients of the APIs, as `docs/explanation/published-clients.md` judges them."""
