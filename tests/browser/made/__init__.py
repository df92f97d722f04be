"""What people make in the console: links to portals, templates, and mails as they look."""
