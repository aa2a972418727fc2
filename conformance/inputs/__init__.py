"""How files that a user names are read: regular ones only, and bounded before anything is made of them."""
