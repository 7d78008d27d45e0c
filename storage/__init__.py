"""What is remembered. Only this package imports sqlalchemy."""
