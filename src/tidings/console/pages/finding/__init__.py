"""Search: ids, webhooks of all orgs, pages and actions, for the page of it and for the palette."""
