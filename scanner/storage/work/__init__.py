"""Work on one pass.

``writer``    :class:`PassWriter`, the only object that can save a photo
``passdisk``  what it does on disk, in the order that is the promise of the product

"""
