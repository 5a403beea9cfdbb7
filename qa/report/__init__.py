"""Answers as documents: each quote with its title, source, date, link and an address that can be verified.

    shown      text of an article made harmless, and nothing of it lost
    notes      answers to questions, what was said, and numbered notes: what every form prints
    markdown   footnotes
    html       one page that needs nothing else; quotes in their sentences
    word       a Word document with footnotes
    data       W3C Web Annotations and CSL
    save       the form that a file's suffix names, written whole or not at all

`qa.types.Report` is the door; `qa.verify` reads the documents again.
"""
