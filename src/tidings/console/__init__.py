"""The web console: server-rendered pages over the same application services as the API.

`routes.py` lists the pages, `frame.py` knows who looks at them, `words.py` how things are said,
`static.py` serves what does not change. Each page has a module in `pages/` and a template.
"""
