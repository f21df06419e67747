"""What a file is and what is suspicious of it, judged by its bytes."""
