"""A name that a text makes short for something else."""

import pytest

from analysis import mentions
from analysis.mention_rule import abbreviations


@pytest.mark.parametrize(
    "text",
    [
        "We introduce JAX (Joint Attention eXtractor), a method for gaze.",
        "We propose JAX, the Joint Axion eXperiment, a haloscope.",
        "The Joint Axion eXperiment (JAX) will reach new limits.",
        "the Jets And X-rays survey (JAX), a programme of 60 galaxies",
        "Joint attention explanation, which we abbreviate JAX, asks two clinicians.",
        "JAX stands for Jet Axis eXtraction.",
        "a joint axis (JAX) decomposition",
    ],
)
def test_a_definition_is_seen_before_and_after_the_name(text):
    assert abbreviations.defined(text, "JAX")
    assert mentions.named(text) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "We use automatic differentiation (JAX) on a GPU.",
        "JAX (just-in-time compiled) on a GPU.",
        "Joint work on autodiff examples (JAX) is described.",
        "Written in JAX, the solver is fast.",
        "JAX, a library of Google, and XLA.",
        "With JAX, just as expected from the theory of compilers, the solver is fast.",
        "We compare JIT, AD and XLA in JAX (with Python).",
    ],
)
def test_what_is_no_definition_takes_nothing_back(text):
    assert not abbreviations.defined(text, "JAX")
    assert mentions.named(text) == {"jax"}


def test_long_forms_with_letters_inside_words_and_idle_words():
    assert abbreviations.defined("the KERAS scale (Korean Emergency Risk Assessment Score)", "KERAS")
    assert abbreviations.defined("Coffee Aroma Fingerprints by Feature Extraction (CAFFE)", "CAFFE")
    assert not abbreviations.defined("the KERAS scale (Korean score)", "KERAS")


def test_what_a_framework_itself_is_short_for_is_no_other_meaning():
    text = "Caffe (Convolutional Architecture for Fast Feature Embedding) is a library."
    assert not abbreviations.defined(text, "Caffe", own="convolutional architecture")
    assert abbreviations.defined(text, "Caffe")
    assert mentions.named(text) == {"caffe"}


def test_a_long_text_without_a_definition_is_read_to_its_end():
    text = "JAX, " + "jab abc area " * 20_000 + "(JAX"
    assert not abbreviations.defined(text, "JAX")
