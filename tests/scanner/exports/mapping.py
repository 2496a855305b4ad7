"""A photogrammetry program as witness: photos in, camera poses out, found from the pixels alone.

pycolmap is imported inside functions: it has no package for a Raspberry Pi.
"""

from __future__ import annotations

import importlib
import platform
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scanner.exports.measuring import Pose
from tests.support.demand import demand

THREADS = 2
FEATURES = 1000  # a photo: half of what there is, in half the time, with poses hardly less exact
PLENTY = 4.0  # pixels by which a first guess of a pose may miss
FINE = 1.0  # pixels by which a point may miss its place and stay
MATCHED = 2.0  # pixels by which two photos' features may miss each other's line


def import_pycolmap() -> ModuleType:
    """pycolmap, quiet; the test is skipped on machines it does not exist for."""
    if platform.machine() != "x86_64":
        pytest.skip(f"pycolmap has no package for {platform.machine()}")
    demand(importlib.util.find_spec("pycolmap"), "pycolmap (pip install pycolmap)")
    pycolmap = importlib.import_module("pycolmap")
    pycolmap.logging.minloglevel = pycolmap.logging.Level.ERROR.value
    return pycolmap


def find_features(photos: Path, database: Path, names: tuple[str, ...] = ()) -> None:
    """Features of the photos below ``photos`` that are not in ``database`` yet; focal lengths come from their EXIF."""
    pycolmap = import_pycolmap()
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "PINHOLE"
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = THREADS
    options.sift.max_num_features = FEATURES
    # Entered in order of their names first: threads that find features would number the photos as they finish them.
    pycolmap.Database.open(database).close()
    pycolmap.import_images(database, photos, image_names=names, options=reader)
    pycolmap.extract_features(
        database, photos, names, reader_options=reader, extraction_options=options, device=pycolmap.Device.cpu
    )


def match_features(database: Path, seed: int = 0) -> None:
    """Compare every photo with every other, those already compared left out."""
    pycolmap = import_pycolmap()
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = THREADS
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = seed
    verification.ransac.max_error = MATCHED
    pycolmap.match_exhaustive(
        database, matching_options=matching, verification_options=verification, device=pycolmap.Device.cpu
    )


def map_poses(photos: Path, database: Path, work: Path, names: tuple[str, ...] = (), seed: int = 0) -> dict[str, Pose]:
    """Poses of the photos (of ``names`` if given), in a world of the program's own; lenses are held as EXIF says."""
    pycolmap = import_pycolmap()
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = THREADS
    options.random_seed = seed
    options.image_names = list(names)
    options.multiple_models = False
    options.extract_colors = False
    options.ba_refine_focal_length = False
    options.ba_refine_extra_params = False
    options.mapper.abs_pose_refine_focal_length = False
    options.mapper.abs_pose_refine_extra_params = False
    # At 640 x 480 a right match misses by a fraction of a pixel; what misses by more is light that did not turn along.
    options.mapper.abs_pose_max_error = PLENTY
    options.mapper.filter_max_reproj_error = FINE
    options.triangulation.merge_max_reproj_error = FINE
    options.triangulation.complete_max_reproj_error = FINE
    work.mkdir()
    models = pycolmap.incremental_mapping(database, photos, work, options)
    best = max(models.values(), key=lambda model: model.num_reg_images(), default=None)
    return {} if best is None else poses_of(best)


def poses_of(model: Any) -> dict[str, Pose]:
    """The poses in a model, by photo name."""
    return {
        image.name: (image.cam_from_world().rotation.matrix(), image.projection_center())
        for image in model.images.values()
        if image.has_pose
    }


def triangulated(export: Path, database: Path, work: Path) -> Any:
    """The exported model with the points that its poses, held as they are, give the matches in ``database``."""
    pycolmap = import_pycolmap()
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = THREADS
    options.extract_colors = False
    options.ba_refine_focal_length = False
    options.ba_refine_extra_params = False
    exported = pycolmap.Reconstruction(str(export / "sparse" / "0"))
    return pycolmap.triangulate_points(exported, database, export / "images", work, options=options)
