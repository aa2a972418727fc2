"""Small shops on published clients of the APIs, as `docs/clients.md` judges them."""
