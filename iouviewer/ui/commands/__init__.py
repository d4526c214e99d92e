"""What the actions do, grouped as the table of actions names them."""
