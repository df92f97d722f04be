"""The web console: server-rendered pages over the same engine and reads as the API.

`routes.py` lists the pages, `frame.py` knows who looks at them, `words.py` how things are said,
`static.py` serves what does not change. Each page has a module in `pages/` and a template.
"""
