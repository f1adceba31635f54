"""What each stage looks like, grouped by what it shows."""
