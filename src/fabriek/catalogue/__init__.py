"""The catalogue: what there is to build with. Data, models, software, training, people, services and money.

A `Record` (record.py) is an entry as data: what files, feeds, the API and other catalogues say. An `Entry` (models.py)
is the record in this catalogue, with its life. All that comes in is a record first, and all that goes out too, so that
standards, harvests and forms each need to know one thing.
"""
