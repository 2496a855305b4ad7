"""What leaves the scanner: EXIF in every photo, and sessions in the formats of photogrammetry programs.

``poses``       viewpoint and rig geometry -> camera pose; **the one place where coordinates are converted**
``intrinsics``  camera and picture size -> focal length and principal point in pixels
``exif``        the EXIF block of a photo, made when it is saved
``source``      what an exporter is given: passes, photos and their files, read from storage once
``colmap``      COLMAP's text model beside the images
``registry``    format name -> exporter

Rules. An exporter is a function ``(source, target) -> None`` that writes everything below the empty folder ``target``
and nothing anywhere else: it runs in storage's ``publish_export``, which builds beside and renames, so that an export
is there whole or not at all. It never reads the plan, the configuration or the rig: its poses come from ``poses``, its
focal lengths from ``intrinsics``, and its own module turns them into the format's axes. Numbers are written so that
nothing is lost when they are read again, and lines in a fixed order: the same session always gives the same files.

To add an exporter: write ``exports/<format>.py``, add its row to ``registry``, and its row (a reader that knows nothing
of this package) to the round-trip suite in ``tests/scanner/exports/test_round_trip.py``.
"""
