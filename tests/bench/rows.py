"""The rows about MNIST: the networks, how each is run here and in PyTorch, and the bars."""
import pathlib
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from figures import Bar, Measure, Row

HERE = pathlib.Path(__file__).resolve().parent
MLP, CNN = HERE.parents[1] / "configs/mlp_baseline.yaml", HERE / "cnn.yaml"
TRAIN, VAL, TEST, EPOCHS = 54000, 6000, 10000, 5
BATCH, CNN_STEPS, TUTORIAL_STEPS, EVALUATIONS, RUNS = 64, 30, 100, 20, 16
SMALL = ("data.limit.val=64", "data.limit.test=64")


def middle_mean(values) -> float:
    """Without the lowest and the highest quarter."""
    values, cut = sorted(values), len(values) // 4
    return statistics.fmean(values[cut:len(values) - cut])


def train_s(lines) -> float:
    """Of the last epoch of the peer."""
    return [line for line in lines if "train_s" in line][-1]["train_s"]


def mlp_epoch(key, title, bars, threads, batch=BATCH) -> Measure:
    def ours(bench):
        small = (f"data.limit.train={batch}", *SMALL) if bench.smoke else ()
        run = bench.runner.train(MLP, "~expect", f"train.epochs={1 if bench.smoke else 2}",
                                 f"train.batch_size={batch}", *small, threads=threads)
        return {key: run.train_s}

    def peer(bench, peer_threads):
        size = ("--epochs", 1, "--steps", 1) if bench.smoke else ("--epochs", 2)
        lines, _ = bench.peer.run("mlp", "--batch", batch, *size, threads=peer_threads)
        return {key: train_s(lines)}

    def flop(bench):
        return (batch if bench.smoke else TRAIN) * bench.runner.flop(MLP)[1]

    return Measure((Row(key, title, "s", threads,
                        f"{TRAIN:,} images in batches of {batch}, Adam: train_s of the second "
                        "epoch in epochs.csv", bars, flop),), ours, peer)


def tutorial_epoch(threads) -> Measure:
    """As the first row, PyTorch fed image by image."""
    key = "epoch_tutorial"
    first = mlp_epoch(key, "MLP epoch, peer fed as in tutorials", (Bar(35, "ratio", True),),
                      threads)
    steps_of_epoch = -(-TRAIN // BATCH)

    def peer(bench, peer_threads):
        steps = 1 if bench.smoke else TUTORIAL_STEPS
        lines, _ = bench.peer.run("notebook", "--epochs", 2, "--steps", steps, threads=peer_threads)
        bench.results[key].note(f"PyTorch was fed by {lines[-1]['fed']}: {steps} steps, scaled to "
                                f"the {steps_of_epoch} of an epoch")
        return {key: train_s(lines) / steps * steps_of_epoch}

    row = first.rows[0]
    how = (f"ours as above; the peer's DataLoader and transforms, {TUTORIAL_STEPS} steps after as "
           "many, scaled to an epoch")
    return Measure((Row(key, row.title, row.unit, threads, how, row.bars, row.flop),), first.ours,
                   peer)


def cnn_step(threads) -> Measure:
    key = "cnn_step"

    def ours(bench):
        steps = 1 if bench.smoke else CNN_STEPS
        run = bench.runner.train(CNN, f"data.limit.train={BATCH * steps}",
                                 f"train.epochs={1 if bench.smoke else 2}", threads=threads)
        return {key: 1e3 * run.train_s / steps}

    def peer(bench, peer_threads):
        steps, epochs = (1, 1) if bench.smoke else (CNN_STEPS, 2)
        lines, _ = bench.peer.run("cnn", "--epochs", epochs, "--steps", steps, threads=peer_threads)
        return {key: 1e3 * train_s(lines) / steps}

    return Measure((Row(key, "conv 32-64 CNN, step of 64", "ms", threads,
                        f"tests/bench/cnn.yaml: train_s of {CNN_STEPS} steps after as many",
                        (Bar(17.5),), lambda bench: BATCH * bench.runner.flop(CNN)[1], 1e3),),
                   ours, peer)


def evaluation(threads) -> Measure:
    key = "evaluate"

    def ours(bench):
        passes = 1 if bench.smoke else EVALUATIONS
        run = bench.runner.train(MLP, "~expect", "data.split.train=50000", f"data.split.val={TEST}",
                                 "data.limit.train=32", "data.limit.test=64",
                                 f"train.epochs={passes}", threads=threads)
        return {key: 1e3 * middle_mean([float(e["val_s"]) for e in run.epochs])}

    def peer(bench, peer_threads):
        passes = 1 if bench.smoke else EVALUATIONS
        lines, _ = bench.peer.run("mlp", "--epochs", 1, "--steps", 1, "--evaluations", passes,
                                  threads=peer_threads)
        return {key: 1e3 * middle_mean(lines[-1]["evaluation_s"])}

    return Measure((Row(key, f"MLP, evaluation of {TEST:,} images", "ms", threads,
                        f"validation on {TEST:,} images after each of {EVALUATIONS} epochs of one "
                        "step: val_s in epochs.csv, middle mean; the peer in batches of 1000, as "
                        "ours", (Bar(20),),
                        lambda bench: TEST * bench.runner.flop(MLP)[0],
                        1e3),), ours, peer)


def start(threads) -> Measure:
    key = "start"
    return Measure((Row(key, "process start to first step", "s", threads,
                        "MNIST gzipped; from outside: from before the process is started until "
                        "it says that it begins to train (runner -v)", (Bar(0.30),)),),
                   lambda bench: {key: bench.runner.seconds_to_first_step(MLP, threads=threads)},
                   lambda bench, n: {key: bench.peer.seconds_to_first_step(n)})


def whole(threads) -> Measure:
    def figures(ended):
        return {"whole": ended.wall_s, "memory": 1e-6 * ended.peak_bytes}

    def ours(bench):
        small = ("train.epochs=1", "data.limit.train=64", *SMALL) if bench.smoke else ()
        return figures(bench.runner.train(MLP, "~expect", *small, threads=threads).ended)

    def peer(bench, peer_threads):
        size = ("--epochs", 1, "--steps", 1) if bench.smoke else ("--epochs", EPOCHS)
        return figures(bench.peer.run("mlp", *size, threads=peer_threads)[1])

    def flop(bench):
        evaluated, trained = bench.runner.flop(MLP)
        if bench.smoke:
            return 64 * (trained + 3 * evaluated)
        return EPOCHS * (TRAIN * trained + 2 * VAL * evaluated) + TEST * evaluated

    return Measure((Row("whole", "MLP, whole process of five epochs", "s", threads,
                        "configs/mlp_baseline.yaml as it is, with validation, test and reports, "
                        "from outside; the peer validates and tests, too, and reports nothing",
                        (Bar(2.5),), flop),
                    Row("memory", "MLP, peak memory", "MB", threads,
                        "largest resident set of that process, 10^6 bytes", (Bar(110),))),
                   ours, peer)


def many_runs() -> Measure:
    key = "two_at_a_time"

    def seconds(bench, at_a_time):
        small = ("data.limit.train=64", *SMALL) if bench.smoke else ()
        begun = time.perf_counter()
        with ThreadPoolExecutor(at_a_time) as pool:
            runs = [pool.submit(bench.runner.train, MLP, "~expect", "train.epochs=1",
                                f"seed={seed}", *small, threads=1)
                    for seed in range(1, (2 if bench.smoke else RUNS) + 1)]
            try:
                for run in runs:
                    run.result()
            finally:
                pool.shutdown(cancel_futures=True)
        return time.perf_counter() - begun

    return Measure((Row(key, f"{RUNS} runs, two at a time by one", "x", 1,
                        f"wall time of {RUNS} runs of one epoch on one thread each, one after the "
                        "other, by that with two of them at a time",
                        (Bar(1.9, least=True),)),),
                   lambda bench: {key: seconds(bench, 1) / seconds(bench, 2)}, rounds_most=3)


def measures(threads) -> list:
    return [
        mlp_epoch("epoch", "MLP, training epoch", (Bar(0.28), Bar(5, "ratio", True)),
                  threads),
        tutorial_epoch(threads),
        mlp_epoch("epoch_1_thread", "MLP epoch, 1 thread", (Bar(0.48),), 1),
        mlp_epoch("epoch_batch_16", "MLP epoch, batch 16", (Bar(1.0),), threads, 16),
        mlp_epoch("epoch_batch_256", "MLP epoch, batch 256", (Bar(0.25),), threads, 256),
        mlp_epoch("epoch_batch_1024", "MLP epoch, batch 1024", (Bar(0.21),), threads, 1024),
        cnn_step(threads),
        evaluation(threads),
        start(threads),
        whole(threads),
        many_runs(),
    ]
