"""Search: one box over all entries, in the languages of the Union.

Pure, and without a database: words.py (words, folding, stems), terms.py (what terms mean), documents.py (a record as
tokens), index.py (the folder), spelling.py, asking.py (from what is typed to a query), marking.py (why it was found).
With the database: feeding.py (the index follows it), finding.py (`find`), plain.py (without an index).
"""
