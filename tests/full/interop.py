"""Holds the real TensorBoard and the real MLflow against the files of a run; see interop.sh."""

import contextlib
import json
import math
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # MLflow 3.13 and later refuse it without
os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"

import mlflow
import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

BIN = pathlib.Path(sys.executable).parent
CONFIG = "configs/mlp_baseline.yaml"
SPLITS = ("train", "fit", "val", "test")


def runner(*words):
    return subprocess.run(["build/runner", *words], check=True, text=True, capture_output=True).stdout


def records(run):
    with open(run / "metrics.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def metrics_of(record):
    return {k: float(v) for k, v in record.items() if k not in ("v", "t", "step", "epoch", "split")}


def close(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))


# ---- TensorBoard --------------------------------------------------------------------------------


def events(folder):
    sizes = {k: 0 for k in ("scalars", "histograms", "images", "tensors", "compressedHistograms")}
    return EventAccumulator(str(folder), size_guidance=sizes).Reload()


def check_curves(run, folder):
    """Every measurement of metrics.jsonl is there, in order, at its time."""
    count = 0
    for split in SPLITS:
        seen, mine = events(folder / split), [r for r in records(run) if r["split"] == split]
        names = {name for r in mine for name in metrics_of(r)}
        assert set(seen.Tags()["scalars"]) == names, (split, seen.Tags()["scalars"])
        for name in names:
            points, wanted = seen.Scalars(name), [r for r in mine if name in r]
            assert len(points) == len(wanted), (split, name)
            for point, r in zip(points, wanted):
                assert point.step == r["step"] and close(point.value, metrics_of(r)[name]), (name, r)
                assert abs(point.wall_time - points[0].wall_time - r["t"] + wanted[0]["t"]) < 0.01
                count += 1
    return count


def check_inside(run, folder, summary, every_epoch):
    own, last = events(folder), records(run)[-1]
    tags = own.Tags()
    for name in tags["histograms"]:
        steps = own.Histograms(name)
        assert len(steps) == 2 or not every_epoch
        for h in steps:
            v = h.histogram_value
            counts, limits = list(v.bucket), list(v.bucket_limit)
            assert limits == sorted(limits) and v.min <= v.max
            assert sum(counts) == v.num > 0
    parameters = sum(own.Histograms(name)[-1].histogram_value.num for name in tags["histograms"])
    assert parameters == summary["model"]["parameters"], parameters
    norms = [t for t in tags["scalars"] if t.startswith("gradient_norm/")]
    assert len(norms) == len(tags["histograms"]) == 6, norms
    assert len(own.Scalars(norms[0])) == 2
    image = own.Images("test/pictures")[0]
    png = image.encoded_image_string
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (image.width, image.height)
    final = own.Scalars("final/test.accuracy")[0]
    assert close(final.value, summary["test"]["accuracy"]) and final.step == last["step"]
    return len(tags["histograms"]), len(tags["scalars"])


def session(folder, tag):
    data = events(folder).SummaryMetadata(tag).plugin_data
    assert data.plugin_name == "hparams"
    return plugin_data_pb2.HParamsPluginData.FromString(data.content)


def check_hparams(folder):
    start = session(folder, "_hparams_/session_start_info").session_start_info
    end = session(folder, "_hparams_/session_end_info").session_end_info
    assert end.status == 1 and end.end_time_secs >= start.start_time_secs
    values = start.hparams
    assert values["optimizer.lr"].number_value == 0.002
    assert values["train.epochs"].number_value == 2
    assert values["loss.type"].string_value == "cross_entropy"
    return len(values)


# ---- MLflow -------------------------------------------------------------------------------------


def check_store(uri, run, summary):
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiments = {e.name: e for e in client.search_experiments()}
    assert "mlp_baseline" in experiments, list(experiments)
    found = client.search_runs(
        [experiments["mlp_baseline"].experiment_id], "params.`optimizer.lr` = '0.002' and metrics.`test.accuracy` > 0.5"
    )
    assert len(found) == 1, found
    one = found[0]
    assert one.info.status == "FINISHED" and one.info.run_name == run.name
    assert one.info.end_time >= one.info.start_time > 1.7e12
    assert close(one.data.metrics["test.accuracy"], summary["test"]["accuracy"])
    assert one.data.params["train.epochs"] == "2" and one.data.params["optimizer.type"] == "adam"
    assert one.data.params["model.layers.logits.units"] == "10"
    assert one.data.tags["runner.status"] == "finished"
    count = 0
    for split in SPLITS:
        for name in metrics_of(next(r for r in records(run) if r["split"] == split)):
            wanted = [r for r in records(run) if r["split"] == split]
            history = client.get_metric_history(one.info.run_id, f"{split}.{name}")
            assert [h.step for h in history] == [r["step"] for r in wanted]
            assert all(close(h.value, metrics_of(r)[name]) for h, r in zip(history, wanted))
            count += len(history)
    return one.info, count, len(one.data.params), len(one.data.tags)


# ---- servers ------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def server(log, port, *command):
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out, start_new_session=True)
        try:
            url, until = f"http://127.0.0.1:{port}", time.monotonic() + 90
            while True:
                try:
                    get(url)
                    break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    assert process.poll() is None and time.monotonic() < until, f"no answer; see {log}"
                    time.sleep(0.5)
            yield url
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)


def draw(url, png):
    chromium = shutil.which("chromium")
    if chromium:
        subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000",
             "--virtual-time-budget=15000", f"--screenshot={png}", url],
            check=True, timeout=120, capture_output=True,
        )


def look_at_tensorboard(out, folder):
    port = free_port()
    with server(out / "tensorboard.log", port, BIN / "tensorboard", "--logdir", folder, "--host", "127.0.0.1",
                "--port", port, "--load_fast=false") as url:
        for _ in range(60):
            runs = json.loads(get(f"{url}/data/runs"))
            if len(runs) == 1 + len(SPLITS):
                break
            time.sleep(1)
        assert len(runs) == 1 + len(SPLITS), runs
        found = json.loads(get(f"{url}/data/plugin/hparams/experiment", {"experimentName": ""}))
        names = {h["name"] for h in found["hparamInfos"]}
        assert {"optimizer.lr", "train.epochs"} <= names, names
        for page in ("scalars", "histograms", "images", "hparams"):
            draw(f"{url}/#{page}", out / f"tensorboard_{page}.png")


def look_at_mlflow(out, store, info):
    port = free_port()
    with server(out / "mlflow.log", port, BIN / "mlflow", "ui", "--backend-store-uri", store, "--host", "127.0.0.1",
                "--port", port, "--workers", "1") as url:
        body = {"experiment_ids": [info.experiment_id]}
        found = json.loads(get(f"{url}/api/2.0/mlflow/runs/search", body))["runs"]
        assert [r["info"]["run_id"] for r in found] == [info.run_id]
        draw(f"{url}/#/experiments/{info.experiment_id}/runs", out / "mlflow_experiment.png")
        draw(f"{url}/#/experiments/{info.experiment_id}/runs/{info.run_id}", out / "mlflow_run.png")


# ---- all ----------------------------------------------------------------------------------------


def main(out):
    print(f"tensorboard {tensorboard.__version__}, mlflow {mlflow.__version__}")
    with tempfile.TemporaryDirectory() as tmp:
        base = pathlib.Path(tmp)
        runner(CONFIG, "-q", "-o", str(base / "reports"), "train.epochs=2", "optimizer.lr=0.002",
               "reporters=[console, jsonl, html, tensorboard]")
        run = (base / "reports/mlp_baseline/latest").resolve()
        summary = json.loads((run / "summary.json").read_text())
        points = check_curves(run, run / "tb")
        print(points, "points,", check_inside(run, run / "tb", summary, True), "histograms and scalars")
        print(check_hparams(run / "tb"), "hyperparameters")

        runner("export", str(run), "--to", "tensorboard", "--dir", str(base / "tb"))
        again = base / "tb/mlp_baseline" / run.name
        assert check_curves(run, again) == points
        check_inside(run, again, summary, False)
        assert check_hparams(again) == check_hparams(run / "tb")
        look_at_tensorboard(out, base / "tb")

        store = base / "mlruns"
        for _ in range(2):  # the second replaces the first
            runner("export", str(run), "--to", "mlflow", "--dir", str(store))
        info, *counts = check_store(store.as_uri(), run, summary)
        print(*counts, "points, parameters, tags in a file store")
        database = f"sqlite:///{base}/mlflow.db"
        subprocess.run([str(BIN / "mlflow"), "migrate-filestore", "--source", str(store), "--target", database],
                       check=True, capture_output=True)
        assert check_store(database, run, summary)[1:] == tuple(counts)
        print("and the same after mlflow migrate-filestore")
        look_at_mlflow(out, store, info)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).absolute())
