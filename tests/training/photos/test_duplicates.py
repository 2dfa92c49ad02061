"""Which pictures count as the same, and which only seem so."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.pictures import encode
from tests.training.scenes import scene
from training.photos import duplicates
from training.photos.data import Sample
from training.photos.duplicates import NearPair, agreement, equal_files, joined, look_of, near_pairs, original_path


def found(*pictures: Image.Image) -> list[tuple[int, int]]:
    """Pairs among the pictures, as PNG."""
    return [(pair.first, pair.second) for pair in near_pairs([look_of(encode(picture)) for picture in pictures])]


def test_a_picture_saved_again_smaller_or_brighter_is_the_same() -> None:
    original = scene(1, 320, 240)
    jpeg = Image.open(io.BytesIO(encode(original, "JPEG", quality=40)))
    brighter = original.point([min(255, value + 40) for value in range(256)] * 3)
    pairs = found(original, jpeg, original.resize((107, 80)), brighter)
    assert sorted(pairs) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_different_scenes_are_not_the_same() -> None:
    assert found(*(scene(seed) for seed in range(30))) == []


def test_a_colliding_hash_alone_is_not_enough() -> None:
    looks = [look_of(encode(scene(seed))) for seed in (1, 2)]
    same_hash = [duplicates.Look(looks[0].bits, look.thumbnail) for look in looks]
    assert near_pairs(same_hash) == []


def test_an_agreeing_thumbnail_alone_is_not_enough() -> None:
    look = look_of(encode(scene(1)))
    assert near_pairs([look, duplicates.Look(~look.bits, look.thumbnail)]) == []


def test_flat_pictures_are_the_same_only_when_their_colour_is() -> None:
    colours = ("white", "black", (200, 0, 0), (201, 0, 0), "white")
    assert found(*(Image.new("RGB", (64, 48), colour) for colour in colours)) == [(0, 4)]


def test_a_distance_of_ten_bits_counts_and_eleven_does_not() -> None:
    look = look_of(encode(scene(1)))
    for bits, expected in ((10, [NearPair(0, 1, 10, 1.0)]), (11, [])):
        other = look.bits.copy()
        other[:bits] = ~other[:bits]
        assert near_pairs([look, duplicates.Look(other, look.thumbnail)]) == expected


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 2)
    assert found(scene(1), scene(2), scene(3), scene(1), scene(2)) == [(0, 3), (1, 4)]
    assert near_pairs([]) == []


def test_agreement_does_not_mind_brightness_and_minds_colour() -> None:
    thumbnail = look_of(encode(scene(1))).thumbnail
    assert agreement(thumbnail, thumbnail // 2 + 40) == pytest.approx(1, abs=1e-3)
    assert agreement(thumbnail, np.ascontiguousarray(thumbnail[..., ::-1])) < 0.9


def test_equal_files_are_listed_together() -> None:
    samples = [Sample(str(n), 0, "", digest) for n, digest in enumerate("abacb")]
    assert equal_files(samples) == [[0, 2], [1, 4]]


@pytest.mark.parametrize(
    ("path", "original"),
    [
        ("online/7.jpg", "online/7.jpg"),
        ("online/brightness_7.jpg", "online/7.jpg"),
        ("online/saturation_7.jpg", "online/7.jpg"),
        ("online/saturation12_brightness_7.jpg", "online/7.jpg"),
        ("online/a/brightness2_2_5.jpg", "online/a/2_5.jpg"),
        ("online/my brightness_7.jpg", "online/my brightness_7.jpg"),
        ("online/brightness_", "online/brightness_"),
    ],
)
def test_the_name_of_a_copy_tells_its_original(path: str, original: str) -> None:
    assert original_path(path) == original


def test_joined_follows_links_through_others() -> None:
    numbers = joined(6, [(0, 2), (2, 4), (5, 5)])
    assert numbers[0] == numbers[2] == numbers[4]
    assert len(set(numbers)) == 4
    assert len(set(joined(3, []))) == 3
