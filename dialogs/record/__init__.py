"""The record of a case: put together once, read as a page, as Markdown and on paper."""
