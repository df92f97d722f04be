"""What is asked and shown, alike in every face: questions, views, and acts in words."""
