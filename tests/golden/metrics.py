#!/usr/bin/python3
"""Golden values of the core's metrics: python3 metrics.py > metrics.txt, with scikit-learn 1.2.1 and
NumPy 1.24. What has no name there is written out here by its definition. A case is
    case NAME n width target_width classes logits
    scores ...
    targets ...
    METRIC value
    end"""
import warnings

import numpy as np
from sklearn import metrics

warnings.simplefilter("ignore")
random = np.random.default_rng(20240607)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def calibration_error(right, confidence, bins=15):
    """Guo et al. 2017, (3): the sum over bins of |B| / n * |acc(B) - conf(B)|."""
    total = 0.0
    for m in range(bins):
        chosen = (np.ceil(confidence * bins) - 1).clip(0, bins - 1) == m
        if chosen.any():
            total += chosen.mean() * abs(right[chosen].mean() - confidence[chosen].mean())
    return total


def show(name, scores, targets, classes, logits, values):
    scores = scores.astype(np.float32)
    targets = targets.astype(np.float32).reshape(len(scores), -1)
    print("case", name, *scores.shape, targets.shape[1], classes, int(logits))
    print("scores", *(f"{v:.9g}" for v in scores.ravel()))
    print("targets", *(f"{v:.9g}" for v in targets.ravel()))
    for metric, value in values.items():
        print(metric, repr(float(value)))
    print("end")


def classes(name, scores, targets, logits=True):
    scores = scores.astype(np.float32).astype(np.float64)
    n, width = scores.shape
    labels = np.arange(max(width, 2))
    if width == 1:
        p = 1 / (1 + np.exp(-scores[:, 0])) if logits else scores[:, 0]
        predicted = (scores[:, 0] > (0 if logits else 0.5)).astype(int)
        confidence = np.maximum(p, 1 - p)
    else:
        predicted = scores.argmax(axis=1)
        confidence = (softmax(scores) if logits else scores).max(axis=1)
    top3 = 1.0
    if width > 3:
        top3 = metrics.top_k_accuracy_score(targets, scores, k=3, labels=labels)
    show(name, scores, targets, len(labels), logits, {
        "accuracy": metrics.accuracy_score(targets, predicted),
        "top3": top3,
        "macro_f1": metrics.f1_score(targets, predicted, average="macro", zero_division=0),
        "calibration_error": calibration_error(predicted == targets, confidence),
    })


def numbers(name, scores, targets):
    scores, targets = (x.astype(np.float32).astype(np.float64) for x in (scores, targets))
    show(name, scores, targets, 0, True, {
        "mse": metrics.mean_squared_error(targets, scores),
        "mae": metrics.mean_absolute_error(targets, scores),
    })


def some(n, width, sharpness=2.0):
    return random.normal(size=(n, width)) * sharpness, random.integers(0, width, n)


x, t = some(200, 10)
x[np.arange(200), t] += 3
classes("ten_classes", x, t)
classes("probabilities", softmax(x), t, logits=False)
classes("guessing", *some(60, 7))
x, t = some(50, 6)
t[t == 4] = 2
x[:, 4] -= 100
classes("class_never_there", x, t)
x[:, 4] += 200
classes("class_only_predicted", x, t)
x, t = some(20, 5)
x[np.arange(20), t] = 50
classes("all_right", x, t)
x[np.arange(20), t] = -50
classes("all_wrong", x, t)
classes("ties", random.integers(0, 3, (80, 6)).astype(float), random.integers(0, 6, 80))
classes("all_alike", np.zeros((30, 8)), random.integers(0, 8, 30))
classes("one_sample", *some(1, 5))
classes("two_classes", *some(40, 2))
classes("three_classes", *some(40, 3))
classes("four_classes", *some(40, 4))
x = random.normal(size=(70, 1)) * 3
x[:5] = 0
classes("one_score", x, random.integers(0, 2, 70))
p = random.random((70, 1))
p[:5] = 0.5
classes("one_probability", p, random.integers(0, 2, 70), logits=False)
numbers("numbers", random.normal(size=(90, 1)), random.normal(size=(90, 1)))
numbers("vectors", random.normal(size=(30, 4)) * 100, random.normal(size=(30, 4)) * 100)
numbers("exact", np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(3, 2))
numbers("one_number", np.array([[2.5]]), np.array([[-1.0]]))
