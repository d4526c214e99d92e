"""Groups of commands, as the action table names them."""
