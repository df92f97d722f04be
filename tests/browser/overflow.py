"""What stands out of a page to its right."""

OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return null;
  const wide = [...document.querySelectorAll("main *")].filter(
    (one) => one.getBoundingClientRect().right > width + 1 && !one.closest(".scroll, pre, .tabs"));
  return wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120));
}"""
