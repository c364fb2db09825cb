"""What runner.py is made of: the Python side of a child that runs functions."""
