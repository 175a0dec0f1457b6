"""What is wrong with a recipe, found by reading it: abra's rules and further ones."""
