"""Every paired program runs at smoke size and agrees with its partners; a planted difference does not."""

import shutil

import pytest

from reproductions.usability import programs, tasks

pytestmark = pytest.mark.frameworks

OPTIONS = programs.Options(size="smoke", repeats=1, timeout_s=60)

#: Each makes one program compute something else: (text, what it becomes).
PLANTED = {
    ("train_classifier", "pytorch"): ("            optimizer.zero_grad()\n", ""),
    ("custom_layer", "pytorch"): ("x * torch.sigmoid(", "x + torch.sigmoid("),
    ("custom_loss", "pytorch"): ("0.9 * error", "0.8 * error"),
    ("custom_training_step", "pytorch"): ("max_norm=0.5", "max_norm=0.4"),
    ("control_flow", "pytorch"): ("> 0.1 and", "> 0.2 and"),
    ("variable_length", "pytorch"): ("self.rnn(packed)", "self.rnn(self.embedding(padded))"),
    ("fine_tuning", "pytorch"): ("    model.trunk.requires_grad_(False)\n", ""),
    ("checkpoint_resume", "pytorch"): ('    optimizer.load_state_dict(checkpoint["optimizer"])\n', ""),
    ("mixed_precision", "pytorch"): ("torch.bfloat16)", "torch.bfloat16, enabled=False)"),
    ("data_pipeline", "pytorch"): ("torch.rand(()) < 0.5", "torch.rand(()) < 0.0"),
    ("multi_output", "pytorch"): ("0.2 * score_loss", "0.3 * score_loss"),
    ("export", "pytorch"): ("loaded(x).numpy()", "loaded(x * 1.01).numpy()"),
    ("train_classifier", "keras"): (", shuffle=False", ""),
    ("custom_loss", "tensorflow"): ("assign_sub(0.1 * gradient)", "assign_sub(0.11 * gradient)"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results by (task, program, "as it is" or "planted"): one process a framework for all of them."""
    found = tasks.discover()
    jobs = [(task, program, "as it is") for task in found.values() for program in tasks.PROGRAMS]
    for (name, program), (old, new) in PLANTED.items():
        folder = tmp_path_factory.mktemp("planted") / name
        shutil.copytree(found[name].folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / f"{program}.py"
        text = path.read_text()
        assert old in text, f"{name}/{program}.py does not hold {old!r}"
        path.write_text(text.replace(old, new))
        jobs.append((tasks.load(folder), program, "planted"))
    kept = {}
    for framework in ("pytorch", "tensorflow"):
        mine = [job for job in jobs if tasks.PROGRAMS[job[1]] == framework]
        answers = programs.run([job[:2] for job in mine], OPTIONS)
        kept |= {
            (task.id, program, which): answer["results"]
            for (task, program, which), answer in zip(mine, answers, strict=True)
        }
    return kept


@pytest.mark.parametrize("name", tasks.discover())
def test_all_programs_of_a_task_agree(results, name):
    task = tasks.find(name)
    own = {program: results[name, program, "as it is"] for program in tasks.PROGRAMS}
    for program in tasks.PROGRAMS:
        distances = programs.agreement(task, own, program)
        assert max(distances.values()) <= 1, (program, distances)


@pytest.mark.parametrize(("name", "program"), PLANTED)
def test_a_planted_difference_is_caught(results, name, program):
    own = {other: results[name, other, "as it is"] for other in tasks.PROGRAMS}
    own[program] = results[name, program, "planted"]
    assert max(programs.agreement(tasks.find(name), own, program).values()) > 1


def test_every_task_is_tried_with_a_planted_difference():
    assert {name for name, _ in PLANTED} == set(tasks.discover())
