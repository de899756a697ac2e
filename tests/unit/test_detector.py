"""The framework of a repository: real-life shapes get the right label, hostile ones cost little and break nothing."""

from __future__ import annotations

import ast
import gzip
import io
import json
import random
import sysconfig
import tarfile
import time
import tracemalloc
from collections import defaultdict
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.detecting.addresses import github, normalised
from analysis.detecting.archive import Bounds, read_archive
from analysis.detecting.evidence import Evidence, classify
from analysis.detecting.imports import Unreadable, imported
from analysis.detecting.manifests import is_manifest, packages
from analysis.detecting.table import load_table
from analysis.harvesting.errors import Violation
from tests.loopback.services.repository_detector import COMMIT, archive


def notebook(*cells: str, language: str | None = "python", version: int = 4) -> str:
    made = [{"cell_type": "code", "source" if version > 3 else "input": cell, "outputs": []} for cell in cells]
    made.insert(0, {"cell_type": "markdown", "source": "We use `import tensorflow` nowhere."})
    book = {"cells": made} if version > 3 else {"worksheets": [{"cells": made}]}
    return json.dumps(book | {"metadata": {"kernelspec": {"language": language}} if language else {}})


OLD, NEW = date(2019, 5, 1), date(2025, 9, 1)
POETRY = '[tool.poetry.dependencies]\npython = "^3.9"\ntorch = {version = "^2.0", source = "pytorch"}\n'
CONDA = "name: x\nchannels:\n  - pytorch\n  - conda-forge\ndependencies:\n  - python=3.8\n  - {}\n  - pip:\n    - {}\n"
LOCAL_BUILD = "--extra-index-url https://x.example\ntorch==2.1.0+cu118 ; python_version>'3'"
WHEEL = "https://x.example/whl/cu118/torch-2.0.1%2Bcu118-cp310-cp310-linux_x86_64.whl"
SETUP = "from setuptools import setup\nsetup(name='x', install_requires=['torch>=1.8', 'numpy'])"
SETUP_BY_NAME = "REQS = ['tensorflow>=2.4',\n  # 'torch'\n]\nsetup(description='torch',\n install_requires=REQS)"
SETUP_CFG = "[options]\ninstall_requires =\n    torch\n    numpy\n[metadata]\nname = tensorflow\n"
BATCH = {f"tf/m{n}.py": "import tensorflow as tf\n" for n in range(10)}

# Shape, day of the last change, files, label: written for this test after what is common in public repositories.
DEVELOPMENT = [
    # Python imports
    ("import", NEW, {"train.py": "import torch\nimport torch.nn as nn\n"}, "pytorch"),
    ("import", NEW, {"net.py": "from torch.nn import functional as F\n"}, "pytorch"),
    ("import", NEW, {"a.py": "import os, sys, torch\n"}, "pytorch"),
    ("import", NEW, {"a.py": "try:\n    import torch\nexcept ImportError:\n    torch = None\n"}, "pytorch"),
    ("import", NEW, {"a.py": "def f():\n    from tensorflow.keras import layers\n    return layers\n"}, "tf"),
    ("import", NEW, {"a.py": "import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()\n"}, "tf"),
    ("import", NEW, {"a.py": "import tensorflow as tf\nds = tf.data.Dataset.range(3)\n"}, "tf"),
    ("import", NEW, {"a.py": "import jax.numpy as jnp; from jax import grad\n"}, "jax"),
    ("import", NEW, {"a.py": "from typing import (\n    Any,\n)\nimport haiku as hk\n"}, "jax"),
    ("import", NEW, {"a.py": "import numpy as np\nfrom sklearn.svm import SVC\n"}, "none"),
    ("import", NEW, {"pkg/models/vit.py": "import \\\n    torch\n"}, "pytorch"),
    ("import", NEW, {"a.py": "if True: import torch\n"}, "pytorch"),
    ("import", NEW, {"a.py": "\ufeffimport torch\r\nx = 1\r\n"}, "pytorch"),
    # What only looks like one
    ("no import", NEW, {"a.py": "# import torch\nx = 1\n"}, "none"),
    ("no import", NEW, {"a.py": '"""\nimport torch\n"""\nx = 1\n'}, "none"),
    ("no import", NEW, {"a.py": "code = '''\nimport tensorflow as tf\n'''\n"}, "none"),
    ("no import", NEW, {"a.py": "print('pip install torch; import torch')\n"}, "none"),
    ("no import", NEW, {"a.py": "from . import torch\nfrom .torch import x\n"}, "none"),
    ("no import", NEW, {"a.py": "import torchlight_tools\nimport my.torch\nfrom jaxtyping import Float\n"}, "none"),
    ("no import", NEW, {"README.md": "import torch\n", "doc.rst": "import tensorflow\n"}, "none"),
    ("no import", NEW, {"a.py": "from tensorboardX import SummaryWriter\nimport tensorboard\n"}, "none"),
    ("no import", NEW, {"a.py": "import transformers\nfrom datasets import load_dataset\n"}, "none"),
    ("no import", NEW, {"a.py": "import openai\nfrom vllm import LLM\n"}, "none"),
    ("no import", NEW, {"main.lua": "require 'torch'\n", "a.cpp": "#include <torch/torch.h>\n"}, "none"),
    ("no import", NEW, {"lightning/strike.py": "x = 1\n", "run.py": "from lightning import strike\n"}, "none"),
    ("no import", NEW, {"sonnet.py": "rhyme = 1\n", "run.py": "import sonnet\n"}, "none"),
    # Libraries of one framework
    ("library", NEW, {"a.py": "import pytorch_lightning as pl\n"}, "pytorch"),
    ("library", NEW, {"a.py": "import timm\n"}, "pytorch"),
    ("library", NEW, {"a.py": "from torchvision import datasets\n"}, "pytorch"),
    ("library", NEW, {"a.py": "from torch.utils.tensorboard import SummaryWriter\n"}, "pytorch"),
    ("library", NEW, {"a.py": "from transformers import AutoModel\n", "b.py": "import torch\n"}, "pytorch"),
    ("library", NEW, {"a.py": "import tensorflow_probability as tfp\n"}, "tf"),
    ("library", NEW, {"a.py": "from tensorflow_probability.substrates import jax as tfp\n"}, "jax"),
    ("library", NEW, {"a.py": "import equinox as eqx\nimport optax\n"}, "jax"),
    ("library", NEW, {"a.py": "import tensorflow_datasets as tfds\n"}, "tf"),
    # Python 2 and broken files
    ("python 2", OLD, {"a.py": "import tensorflow as tf\nprint 'loss', 3\n"}, "tf"),
    ("python 2", OLD, {"a.py": "print 'import torch'\nexec 'import torch'\n"}, "none"),
    ("python 2", OLD, {"a.py": "import torch\nraise ValueError, 'no'\n"}, "pytorch"),
    ("python 2", NEW, {"{{name}}.py": "import {{ module }}\nimport torch\nclass {{ x }}:\n"}, "pytorch"),
    # Notebooks
    ("notebook", NEW, {"a.ipynb": notebook("%matplotlib inline\nimport torch")}, "pytorch"),
    ("notebook", NEW, {"a.ipynb": notebook("!pip install torch", "import numpy")}, "none"),
    ("notebook", NEW, {"a.ipynb": notebook("%%bash\nimport torch")}, "none"),
    ("notebook", NEW, {"a.ipynb": notebook("%%time\nimport jax")}, "jax"),
    ("notebook", OLD, {"a.ipynb": notebook("import tensorflow as tf\nprint 1", version=3)}, "tf"),
    ("notebook", NEW, {"a.ipynb": notebook("import torch", language="julia")}, "none"),
    ("notebook", NEW, {"a.ipynb": notebook("import torch", language=None)}, "pytorch"),
    ("notebook", NEW, {"a.ipynb": '{"cells": [{"cell_type": "code", "source"'}, "none"),
    # Manifests alone
    ("manifest", NEW, {"requirements.txt": LOCAL_BUILD}, "pytorch"),
    ("manifest", OLD, {"requirements-gpu.txt": "# torch\ntensorflow-gpu==1.12\nnumpy\n"}, "tf"),
    ("manifest", NEW, {"requirements/base.txt": "jax[cuda12]\nflax>=0.7\n"}, "jax"),
    ("manifest", NEW, {"requirements.txt": WHEEL}, "pytorch"),
    ("manifest", NEW, {"requirements.txt": "\ufefft\x00o\x00".encode("utf-16-le").decode("latin-1")}, "none"),
    ("manifest", NEW, {"requirements.txt": "transformers\ntensorboard\njaxtyping\ntorch-light-tools\n"}, "none"),
    ("manifest", NEW, {"setup.py": SETUP}, "pytorch"),
    ("manifest", NEW, {"setup.py": SETUP_BY_NAME}, "tf"),
    ("manifest", NEW, {"setup.py": "setup(extras_require={'torch': ['jax'], 'dev': ['pytest']})"}, "jax"),
    ("manifest", NEW, {"setup.cfg": SETUP_CFG}, "pytorch"),
    ("manifest", NEW, {"pyproject.toml": '[project]\nname = "torch"\ndependencies = ["jax>=0.4", "numpy"]\n'}, "jax"),
    ("manifest", NEW, {"pyproject.toml": POETRY}, "pytorch"),
    ("manifest", NEW, {"pyproject.toml": '[dependency-groups]\ndev = ["tensorflow"]\n'}, "tf"),
    ("manifest", NEW, {"Pipfile": '[packages]\ntensorflow = "==2.3"\n'}, "tf"),
    ("manifest", NEW, {"environment.yml": CONDA.format("pytorch::pytorch=1.10", "einops")}, "pytorch"),
    ("manifest", NEW, {"environment.yml": CONDA.format("numpy", "tensorflow==2.8")}, "tf"),
    ("manifest", NEW, {"environment.yaml": CONDA.format("numpy", "einops")}, "none"),
    ("manifest", NEW, {"requirements.txt": "torch\ntensorflow\n"}, "mixed"),
    ("manifest", NEW, {"requirements.txt": "tensorflow\n", "a.py": "import torch\n"}, "pytorch"),
    # Keras
    ("keras", OLD, {"a.py": "from keras.models import Sequential\n"}, "tf"),
    ("keras", None, {"a.py": "from keras.layers.core import Dense\n"}, "tf"),
    ("keras", NEW, {"a.py": "import keras\n", "requirements.txt": "keras==2.3.1\n"}, "tf"),
    ("keras", NEW, {"a.py": "import keras\n"}, "keras3_unknown"),
    ("keras", NEW, {"a.py": "import keras\nfrom keras import ops\n"}, "keras3_unknown"),
    ("keras", NEW, {"a.py": "import os\nos.environ['KERAS_BACKEND'] = 'jax'\nimport keras\n"}, "jax"),
    ("keras", NEW, {"a.py": "import keras\n", "b.py": "import torch\n"}, "pytorch"),
    ("keras", NEW, {"a.py": "import keras\n", "requirements.txt": "keras>=3\ntensorflow\n"}, "tf"),
    ("keras", OLD, {"a.py": "import keras\nimport torch\n", "b.py": "import keras\n"}, "mixed"),
    ("keras", NEW, {"requirements.txt": "keras>=3.1\n"}, "keras3_unknown"),
    ("keras", NEW, {"a.py": "from tensorflow import keras\n"}, "tf"),
    ("keras", NEW, {"a.py": "import tf_keras as keras\n"}, "tf"),
    # Several
    ("several", NEW, BATCH | {"eval.py": "import torch\n"}, "tf"),
    ("several", NEW, {"a.py": "import torch\n", "b.py": "import tensorflow as tf\n"}, "mixed"),
    ("several", NEW, {"a.py": "import torch\nimport jax\n"}, "mixed"),
    ("several", NEW, {"third_party/tf/a.py": "import tensorflow\n", "a.py": "import torch\n"}, "pytorch"),
    ("several", NEW, {"venv/lib/torch/a.py": "import torch\n", "a.py": "import jax\n"}, "jax"),
    ("several", NEW, {"node_modules/a.py": "import torch\n"}, "none"),
]  # fmt: skip


def test_the_development_set_is_large_and_no_shape_of_it_is_labelled_wrongly():
    right, total = defaultdict(int), defaultdict(int)
    wrong = []
    for shape, changed, files, label in DEVELOPMENT:
        found = classify([(path, text.encode()) for path, text in files.items()], changed).label()
        total[shape] += 1
        right[shape] += found == label
        if found != label:
            wrong.append((files, found, label))
    assert sum(total.values()) >= 60
    accuracy = {shape: right[shape] / total[shape] for shape in total}
    assert accuracy == dict.fromkeys(total, 1.0), wrong


def test_an_archive_gives_the_same_evidence_as_its_files():
    for _, _, files, label in DEVELOPMENT[:30]:
        evidence = read_archive(io.BytesIO(archive(files, "repo-HEAD", changed=1_756_000_000)))
        assert evidence.label() == label and evidence.commit == COMMIT and not evidence.partial
        assert evidence == Evidence.from_dict(json.loads(json.dumps(evidence.as_dict())))


def test_reading_lines_finds_what_the_parser_finds():
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    for path in random.Random(1).sample(files, 30):
        content = path.read_bytes()
        with suppress(SyntaxError, ValueError):
            expected = set()
            for node in ast.walk(ast.parse(content)):
                if isinstance(node, ast.Import):
                    expected |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    expected |= {node.module} | {f"{node.module}.{a.name}" for a in node.names if a.name != "*"}
            assert imported(content) == expected, path


def test_the_threshold_can_be_moved_without_reading_again():
    evidence = classify([(path, text.encode()) for path, text in (BATCH | {"e.py": "import torch"}).items()])
    assert evidence.composition == {"tensorflow": 10, "pytorch": 1}
    assert evidence.label() == "tf" and evidence.label(0.95) == "mixed"


def test_a_file_that_imports_two_counts_for_both():
    assert classify([("a.py", b"import torch, jax")]).composition == {"jax": 1, "pytorch": 1}


def test_the_table_has_one_meaning_a_name():
    table = load_table()
    assert table.modules["torch"] == "pytorch" and table.packages["tensorflow-gpu"] == "tensorflow"
    assert {"transformers", "tensorboardX", "tensorboard"}.isdisjoint(table.modules)


# --- hostile content -------------------------------------------------------------------------------------------------

SOURCES = {
    "brackets": b"(" * 300_000,
    "minus": b"-" * 500_000 + b"1",
    "sum": b"1" + b"+1" * 250_000,
    "dotted import": b"import " + b"a.b." * 120_000,
    "indents": b"".join(b" " * i + b"if 1:\n" for i in range(1, 900)),
    "open strings": b"'''\\" * 100_000,
    "quotes": b'"""\\"""' * 70_000,
    "open brackets of imports": b"from a import (\n" * 30_000,
    "null bytes": b"import torch\0\n" * 1_000,
    "imports": b"import torch\n" * 40_000,
    "continued": b"\\\n" * 250_000 + b"import torch",
    "formatted": b'f"{' * 100_000,
    "lambda": b"lambda:" * 70_000,
}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_hostile_source_is_read_quickly_and_never_raises(name):
    started = time.process_time()
    classify([("a.py", SOURCES[name]), ("setup.py", SOURCES[name]), ("requirements.txt", SOURCES[name])])
    assert time.process_time() - started < 5


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.py", "a.ipynb", "setup.py", "setup.cfg", "pyproject.toml",
       "Pipfile", "environment.yml", "requirements.txt"]))  # fmt: skip
def test_whatever_the_bytes_a_file_is_read_or_counted_as_unread(content, path):
    evidence = classify([(path, content + b"\nimport torch\n"), (path, b"import torch torch" + content)])
    assert evidence.label() in ("pytorch", "none", "mixed", "tf", "jax", "keras3_unknown")


MANIFESTS = {
    "environment.yml": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(20)
    ) + b"dependencies:\n  - *u\n  - pytorch\n",
    "pyproject.toml": b"a = " + b"[" * 100_000,
    "Pipfile": b"[packages]\n" + b"a." * 100_000 + b"b = 1",
    "setup.cfg": b"[options\n" * 1_000,
    "setup.py": b"install_requires=a\n" * 20_000 + b"__import__('os').abort()\n",
    "requirements.txt": b"torch" * 100_000 + b"\n" + b"-r x\n" * 1_000,
    "a.ipynb": b'{"cells":' + b"[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_hostile_manifests_are_read_quickly_and_execute_nothing(name):
    started = time.process_time()
    evidence = classify([(name, MANIFESTS[name])])
    assert time.process_time() - started < 5
    assert evidence.packages == ({"pytorch": ""} if name == "environment.yml" else {})


def test_a_notebook_of_odd_values_is_read_as_far_as_it_goes():
    cells = [None, 1, {"cell_type": "code"}, {"cell_type": "code", "source": [1, "import torch"]}]
    cells += [{"cell_type": "code", "source": {"a": 1}}, {"cell_type": "code", "source": "import \ud800 jax"}]
    assert classify([("a.ipynb", json.dumps({"cells": cells}).encode())]).label() == "pytorch"
    for book in ([], {"cells": 3}, {"worksheets": [1, {"cells": None}]}, {"metadata": 3, "cells": []}, "torch"):
        assert classify([("a.ipynb", json.dumps(book).encode())]).label() == "none"


def test_manifests_are_known_by_name():
    yes = (
        "setup.py a/setup.cfg pyproject.toml Pipfile requirements.txt requirements_dev.txt dev-requirements.txt "
        "requirements/gpu.txt environment.yml env.yaml conda-env.yml environment_gpu.yaml"
    )
    no = "environment.py config.yml setup.txt requirements.md pyproject.yaml my_environments.txt mkdocs.yml"
    assert all(map(is_manifest, yes.split())) and not any(map(is_manifest, no.split()))
    with pytest.raises(Unreadable):
        packages("pyproject.toml", b"[")


# --- hostile archives ------------------------------------------------------------------------------------------------


def tar(*members: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as handle:
        for member in members:
            info, data = (
                (member, b"") if isinstance(member, tarfile.TarInfo) else (tarfile.TarInfo(member[0]), member[1])
            )
            info.size = len(data)
            handle.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def read(content: bytes, **changes) -> Evidence:
    return read_archive(io.BytesIO(gzip.compress(content, 1, mtime=0)), bounds=Bounds(**changes))


GOOD = ("r/a.py", b"import torch\n")


def test_links_devices_and_paths_that_lead_out_are_skipped():
    evidence = read(
        tar(
            special("r/link.py", tarfile.SYMTYPE, "/etc/passwd"),
            special("r/hard.py", tarfile.LNKTYPE, "../../x"),
            special("r/device.py", tarfile.CHRTYPE),
            special("r/block.py", tarfile.BLKTYPE),
            special("r/pipe.py", tarfile.FIFOTYPE),
            ("../../etc/a.py", b"import jax"),
            ("/etc/a.py", b"import jax"),
            ("r/../../a.py", b"import jax"),
            ("r/a\\..\\b.py", b"import jax"),
            ("r/" + "deep/" * 80 + "a.py", b"import jax"),
            ("r/" + "x" * 1_500 + ".py", b"import jax"),
            ("top.py", b"import jax"),
            GOOD,
        )
    )
    assert evidence.composition == {"pytorch": 1} and evidence.counts["skipped"] == 12


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read_in_every_form(form):
    path = "r/" + "some_folder/" * 10 + "módule.py"
    assert read(tar((path, b"import torch\n"), form=form)).label() == "pytorch"


def test_a_bomb_is_given_up_at_the_bound_in_little_memory():
    bomb = gzip.compress(tar(GOOD, ("r/z.bin", bytes(64 << 20)), ("r/z.py", b"import jax")), mtime=0)
    tracemalloc.start()
    evidence = read_archive(io.BytesIO(bomb), bounds=Bounds(unfolded=8 << 20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert evidence.label() == "pytorch" and "unfolds" in evidence.partial and peak < 4 << 20


def test_zeros_without_end_are_no_archive():
    with pytest.raises(Violation, match="follows the end"):
        read(bytes(16 << 20))


def test_a_hundred_thousand_entries_are_enough():
    block = tar(("r/x", b""))[:512]
    evidence = read(tar(GOOD)[:1024] + block * 100_001 + bytes(1024))
    assert evidence.label() == "pytorch" and "entries" in evidence.partial


def test_a_file_that_is_too_long_is_counted_as_unread():
    book = json.dumps({"cells": [{"cell_type": "code", "source": "import jax", "outputs": "x" * (9 << 20)}]})
    evidence = read(tar(GOOD, ("r/huge.ipynb", book.encode()), ("r/huge.py", b"import jax\n" + b" " * (2 << 20))))
    assert evidence.label() == "pytorch" and evidence.counts["unread"] == 2


def test_more_source_than_is_looked_at_makes_a_part():
    evidence = read(tar(GOOD, ("r/b.py", b"import torch\n" * 100)), read=500)
    assert evidence.label() == "pytorch" and "source" in evidence.partial


def test_a_part_that_shows_nothing_is_unreadable_and_not_none():
    assert read(tar(("r/b.py", b"x = 1\n" * 100)), read=500).label() == "unreadable"
    assert read(tar(("r/b.py", b"x = 1\n"))).label() == "none"


WHOLE = gzip.compress(tar(GOOD, ("r/noise.bin", random.Random(1).randbytes(40_000))), mtime=0)


def _name_record(size: int) -> bytes:
    info = special("r/x", tarfile.GNUTYPE_LONGNAME)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


NOT_WHOLE = {
    "nothing": b"",
    "no gzip": b"hello",
    "a zip": b"PK\x03\x04" + bytes(100),
    "cut": WHOLE[: len(WHOLE) // 2],
    "cut at the last byte": WHOLE[:-1],
    "a byte more": WHOLE + b"x",
    "a second stream": WHOLE + gzip.compress(b""),
    "a flipped bit": WHOLE[:20_000] + bytes([WHOLE[20_000] ^ 1]) + WHOLE[20_001:],
    "no end mark": gzip.compress(tar(GOOD)[:1024]),
    "a broken header in the middle": gzip.compress(tar(GOOD)[:1024] + b"x" * 512 + tar(GOOD)),
    "a member longer than the archive": gzip.compress(tar(GOOD)[:512] + bytes(20)),
    "a name record of a gigabyte": gzip.compress(_name_record(1 << 30) + bytes(2048)),
    "a negative size": gzip.compress(_name_record(-5) + bytes(2048)),
    "a sparse file": gzip.compress(special("r/x", tarfile.GNUTYPE_SPARSE).tobuf() + bytes(1024)),
    "something after the end": gzip.compress(tar(GOOD) + b"x" * 512),
    "a broken name record": gzip.compress(
        tar(("r/" + "é" * 120 + ".py", b"")).replace(b" path=", b" path ", 1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NOT_WHOLE))
def test_what_is_no_whole_archive_is_a_violation(name):
    with pytest.raises(Violation):
        read_archive(io.BytesIO(NOT_WHOLE[name]))


def test_the_known_beginning_of_an_archive_is_a_part():
    evidence = read_archive(io.BytesIO(WHOLE[:30_000]), cut=True)
    assert evidence.label() == "pytorch" and evidence.partial


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_the_bytes_an_archive_is_read_or_a_violation(data):
    content = bytearray(tar(GOOD, ("r/" + "long" * 40 + ".py", b"import jax"), special("r/l", tarfile.SYMTYPE, "x")))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Violation):
        read(bytes(content))


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "address", "whole"),
    [
        ("https://github.com/Some-Lab/Some.Name_1", "github.com/some-lab/some.name_1", True),
        ("http://www.github.com/a/b.git/", "github.com/a/b", True),
        ("https://GitHub.com/a/b/?tab=readme#x", "github.com/a/b", True),
        ("https://github.com/a/b/tree/main/c", "github.com/a/b/tree/main/c", False),
        ("https://github.com/a", "github.com/a", False),
        ("https://github.com/a/..", "github.com/a/..", False),
        ("https://github.com/-a/b", "github.com/-a/b", False),
        ("https://github.com/a/b%2f..%2fc", "github.com/a/b%2f..%2fc", False),
        ("https://gitlab.com/A/B", "gitlab.com/a/b", False),
        ("https://gist.github.com/a/b", "gist.github.com/a/b", False),
        ("https://github.com.evil.example/a/b", "github.com.evil.example/a/b", False),
        ("https://github.com@evil.example/a/b", None, False),
        ("javascript:alert(1)", None, False),
        ("https://github.com/a b/c", None, False),
        ("https://github.com/a/b\n", None, False),
        ("https://github.com/a/\x00b", None, False),
        ("https://[::1/a/b", None, False),
        ("//github.com/a/b", None, False),
        ("https://", None, False),
        ("x" * 10_000, None, False),
        ("https://github.com/\ud800/b", None, False),
    ],
)
def test_an_address_is_compared_in_one_form_and_only_whole_repositories_are_asked_for(url, address, whole):
    assert normalised(url) == address
    assert (github(address or "") is not None) == whole
