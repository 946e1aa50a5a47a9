/* help.c - what `runner --help` and `runner help TOPIC` print. */
#include "args.h"

#include <string.h>

static const char general[] =
    "usage: runner FILE [path=value ...] [options]\n"
    "\n"
    "  runner configs/mlp_baseline.yaml                        train, evaluate, report\n"
    "  runner configs/mlp_baseline.yaml train.epochs=2 seed=7  the same with other values\n"
    "  runner check configs/mlp_baseline.yaml                  look for mistakes, start nothing\n"
    "\n"
    "commands\n"
    "  run FILE [path=value ...]      train, evaluate, report; `run` may be left out\n"
    "  resume RUN [path=value ...]    go on with a run that was interrupted, or for longer\n"
    "  sweep FILE [path=a,b ...]      many runs, compared; run again, it goes on\n"
    "  bench FILE [--devices A,B]     devices side by side: speed, and whether they agree\n"
    "  check FILE [path=value ...]    validate, infer shapes, read the data's headers\n"
    "  config FILE [path=value ...]   the resolved configuration; --origin, --changed\n"
    "  summary FILE [path=value ...]  the layer table: shapes, parameters, arithmetic, memory\n"
    "  runs [FILTER ...]              the runs so far, filtered and sorted; also `ls`\n"
    "  report RUN|SWEEP ...           its pages, made again from its files\n"
    "  compare RUN RUN ...            what differs, and whether it made a difference; also `diff`\n"
    "  test [FILE ...]                whether metrics are still what a baseline recorded\n"
    "  test record FILE ...           write what they are now into a baseline\n"
    "  selftest --device D --against D  whether a device computes what another one does\n"
    "  predict RUN FILE ...           what a trained model says of images, arrays, tables\n"
    "  export RUN ... --to FORMAT     runs for other programs: mlflow, tensorboard\n"
    "  plugins [list [KIND]]          what there is to name in a file\n"
    "  plugins describe [KIND] NAME   one plugin: what it does, its options\n"
    "  plugins new KIND NAME          a folder with a plugin to begin with\n"
    "  plugins verify FILE.so         whether the plugins of a file keep what they promise\n"
    "  schema [--out FILE]            JSON Schema of a file with all plugins found, for editors\n"
    "  help [COMMAND|exit-codes]      this, or more\n"
    "\n"
    "options\n"
    "  -s, --set path=value   the same as a bare path=value\n"
    "  -o, --out DIR          where run folders go (reports)\n"
    "      --name S  --device D  --threads N  --seed N  --epochs N\n"
    "                         short for name=, device=, device.threads=, seed=, train.epochs=\n"
    "      --run-dir DIR      the run folder itself; what was begun there goes on\n"
    "      --plugin-dir DIR   look for plugins there first\n"
    "      --json             one JSON document on stdout; errors as JSON on stderr\n"
    "      --strict           warnings are errors\n"
    "      --profile          where the time of a training step goes, by layer and operation\n"
    "      --color WHEN       auto, always, never\n"
    "  -q, --quiet            one line; twice: nothing but errors\n"
    "  -v, --verbose          more\n"
    "  -h, --help  -V, --version\n";

static const char exit_codes[] =
    "  0    done\n"
    "  1    an expectation or a baseline does not hold; a plugin breaks a promise; devices do not\n"
    "       compute the same\n"
    "  2    command line or configuration wrong; nothing was started\n"
    "  3    plugin or device unusable\n"
    "  4    data or checkpoint invalid\n"
    "  5    I/O: disk full, permission\n"
    "  6    diverged: the loss is not finite\n"
    "  7    the run folder is in use\n"
    "  8    out of memory\n"
    "  9    a sweep or a benchmark ended, and some of its runs failed\n"
    "  70   a bug of runner\n"
    "  75   stopped by SIGTERM or SIGUSR1, or paused, checkpoint written\n"
    "  130  Ctrl-C, checkpoint and report written\n";

static const char run[] =
    "usage: runner [run] FILE [path=value ...] [options]\n"
    "\n"
    "Trains, evaluates and reports. Everything lands in one folder, reports/<name>/<time>-<id>/;\n"
    "reports/<name>/latest points to it. Ctrl-C ends the step, writes checkpoint and report; a\n"
    "second Ctrl-C kills. `runner resume` goes on from there.\n"
    "\n"
    "  runner configs/mlp_baseline.yaml optimizer.lr=3e-4 model.layers.logits.units=10\n"
    "  runner configs/mlp_baseline.yaml 'optimizer={type: sgd, lr: 0.1, momentum: 0.9}'\n"
    "  runner configs/mlp_baseline.yaml ~expect\n"
    "\n"
    "--profile times each operation of each training step, prints where the time goes, and leaves\n"
    "profile.json and trace.json (open it at ui.perfetto.dev) in the run folder.\n"
    "\n"
    "--run-dir DIR makes DIR itself the run folder. A run that was begun there with the same\n"
    "configuration goes on from its checkpoint, or is left as it is when it is finished; one that\n"
    "failed or diverged begins anew. So the same command can be repeated until it succeeds.\n"
    "--until EPOCH pauses behind that epoch with exit code 75; schedules stay those of the whole.\n"
    "\n"
    "path=value sets, +path=value adds, ~path removes. A path goes by dots; items of a list are "
    "named\n"
    "by index or by name.\n";

static const char sweep[] =
    "usage: runner [sweep] FILE [path=a,b ...] [path=value ...] [--plan] [-j JOBS] [--json]\n"
    "\n"
    "Runs each of the configurations that FILE describes, several at a time, each in a process of\n"
    "its own, and compares them: ROOT/<name>/report.html. Run again, it goes on where it was: "
    "runs\n"
    "that are finished stay, failed ones are begun again.\n"
    "\n"
    "  runner experiments/improvements/sweep.yaml\n"
    "  runner sweep configs/mlp_baseline.yaml optimizer.lr=0.01,0.001 train.batch_size=32,64\n"
    "  runner sweep configs/mlp_baseline.yaml seed=1,2,3,4,5\n"
    "  runner sweep experiments/improvements/sweep.yaml --plan    the runs, and what is done of "
    "them\n"
    "\n"
    "FILE is a sweep (base:, sweep:), or an experiment: then path=a,b makes one of it. path=value\n"
    "is for all runs. All of them are checked before the first is started.\n"
    "\n"
    "-j JOBS runs at a time (as many as there are cores). Ctrl-C stops all, with checkpoints. "
    "Exit\n"
    "code 9: some runs failed; which, and why, is on the page.\n";
static const char bench[] =
    "usage: runner [bench] FILE [--devices A,B ...] [path=value ...] [--plan] [--json]\n"
    "\n"
    "Times epochs of training on devices side by side, in turns, each measurement in a process of\n"
    "its own; shows whether the devices compute the same; writes ROOT/<name>/<id>/report.html,\n"
    "report.md, bench.json and figures/cpu_vs_gpu. A device that can't be used is named, with the\n"
    "reason, and costs its variant alone.\n"
    "\n"
    "  runner experiments/device_benchmark/mlp.yaml\n"
    "  runner bench configs/mlp_baseline.yaml --devices cpu,auto\n"
    "  runner bench configs/mlp_baseline.yaml '--devices={type: cpu, threads: 1},cpu'\n"
    "\n"
    "FILE is a benchmark (base:, bench:), or an experiment with --devices, which in the file of a\n"
    "benchmark takes the place of its variants. path=value is for all variants. Ctrl-C ends with\n"
    "what was measured so far. Exit code 1: devices do not compute the same; 3: one that is\n"
    "required can't be used; 9: something could not be timed.\n"
    "\n"
    "  runner bench FILE --agree DEVICE [--steps N] [--rel R] [--out FILE.json]\n"
    "\n"
    "only does N steps of an experiment on its own device and on DEVICE and says, as JSON, how "
    "far\n"
    "apart the results of each layer are.\n";
static const char resume[] =
    "usage: runner resume RUN [path=value ...] [--until EPOCH] [-o ROOT]\n"
    "\n"
    "Goes on with a run in its folder from the last checkpoint, in the middle of an epoch, too, "
    "and\n"
    "ends with the bits of a run that was never interrupted. What was measured behind the "
    "checkpoint\n"
    "is measured again; a run without one begins anew. There is a checkpoint when a run was "
    "stopped\n"
    "by a signal, and after epochs while it goes on, at most one a second.\n"
    "\n"
    "  runner resume latest                      the newest run in ROOT (reports)\n"
    "  runner resume latest train.epochs=20      for longer; also when it is finished\n"
    "  runner resume 20260914-15 optimizer.lr=0.001\n"
    "\n"
    "RUN is a folder, a run id or the beginning of one, latest, latest:NAME, or @2 (the second\n"
    "newest). May change: train.epochs, log_every, eval_batch_size, clip_norm and clip_value; "
    "options\n"
    "of optimizer, scheduler and callbacks, but not which they are; device; data.path and other "
    "paths\n"
    "of the same data, moved; what is for readers. What differs is told. Anything else\n"
    "makes another experiment and is refused.\n";

static const char selftest[] =
    "usage: runner selftest --device D --against D [--only operations|layers|training]\n"
    "                       [--seed N] [--json]\n"
    "\n"
    "Does every operation of a device over awkward shapes, every layer, loss and optimizer there "
    "is,\n"
    "and two short trainings, on the device and on another one, and compares: within what "
    "rounding\n"
    "explains, trainings layer by layer. Operations have to give the same bits each time, recorded "
    "or\n"
    "not. Needs no files.\n"
    "\n"
    "  runner selftest --device cuda --against cpu\n"
    "  runner selftest --device '{type: cpu, threads: 2}' --against '{type: cpu, threads: 1}'\n"
    "  runner selftest --device cuda --against cpu --json >selftest.json   to send with a report "
    "of a fault\n"
    "\n"
    "Exit code 0: all is the same; 1: something is not; 3: a device can't be used.\n"
    "\n"
    "--json: {\"runner\", \"holds\", \"seed\", \"device\": {\"name\", \"detail\"}, \"against\",\n"
    "\"rows\": [{\"part\", \"name\", \"cases\", \"failed\", \"worst\" (1: just allowed), "
    "\"why\"}]}.\n";

static const char check[] =
    "usage: runner check FILE [path=value ...] [--json] [--strict]\n"
    "\n"
    "Reads the file and all that it extends, checks every value, loads the plugins, reads the "
    "data's\n"
    "headers and infers all shapes. Lists all mistakes at once. Starts nothing.\n";

static const char config[] =
    "usage: runner config FILE [path=value ...] [--origin] [--changed] [--json]\n"
    "\n"
    "Prints the configuration as it would run: merged, interpolated, defaults filled in.\n"
    "--origin says where each value comes from, --changed leaves out the defaults.\n";

static const char summary[] = "usage: runner summary FILE [path=value ...] [--json]\n"
                              "\n"
                              "Prints the layers with shapes, parameters and arithmetic, and the "
                              "memory that training takes.\n";

static const char report[] =
    "usage: runner report RUN|SWEEP ... [--reporter NAME] [--json] [-o ROOT]\n"
    "\n"
    "Makes report.html, report.md and the figures of a run again from the files of its folder: "
    "for\n"
    "a run that was killed, or with another version of runner. Nothing else in the folder "
    "changes.\n"
    "The page over all runs, ROOT/index.html, is made again, too.\n"
    "\n"
    "  runner report latest                     the newest run in ROOT (reports)\n"
    "  runner report latest:cnn_small           the newest of that name\n"
    "  runner report @2                         the second newest\n"
    "  runner report 20260914-15                the run whose id begins so\n"
    "  runner report reports/cnn_small/latest   a run folder, wherever it lies\n"
    "  runner report improvements               a sweep: its name in ROOT, or its folder\n"
    "\n"
    "Of a sweep it makes report.html, report.md, summary.json and figures over all its runs, each "
    "time\n"
    "from the run folders as they are.\n"
    "\n"
    "--reporter NAME makes what that reporter makes alone; it has to be one that needs no more "
    "than\n"
    "the files. --json: {\"rebuilt\": [folder]}.\n";

static const char runs[] =
    "usage: runner runs [FILTER ...] [--sort KEY] [--limit N] [--json] [-o ROOT]\n"
    "\n"
    "Lists the runs in ROOT (reports), newest first.\n"
    "\n"
    "  runner runs 'test.accuracy>0.98' 'optimizer.lr<=0.01'\n"
    "  runner runs status=failed\n"
    "  runner runs 'name=mlp*' tag=cnn --sort -test.accuracy --limit 20\n"
    "  runner runs 20260914                     a word: name, run or tag that has it within\n"
    "\n"
    "A run is shown when it passes all filters. KEY is a metric (test.accuracy, test.macro_f1,\n"
    "best.val.loss, train.loss, train_s, parameters, epochs, ...), a value of the configuration "
    "by\n"
    "its path (optimizer.lr, model.layers.dense1.units), or name, id, status, started, device,\n"
    "data, note, tag, expect (none, hold, failed). The signs are = != < <= > >=; * and ? stand for "
    "any letters. --sort KEY\n"
    "begins with the smallest, --sort -KEY with the largest. A run whose process is gone without "
    "a\n"
    "word has the status lost.\n"
    "\n"
    "--json: {\"root\", \"runs\": [{\"name\", \"id\", \"dir\" (below root), \"status\", "
    "\"reason\",\n"
    "\"started\" (UTC), \"device\", \"data\", \"description\", \"differs\" (from other runs of its "
    "name),\n"
    "\"tags\": [], \"metrics\": {name: number}, \"curve\": [val.loss], \"config\": {path: "
    "text},\n"
    "\"expected\" (0: nothing, 1: all holds, 2: some does not)}]}.\n"
    "\n"
    "ROOT/index.html is the same for a browser, made again at the end of each run. "
    "ROOT/index.jsonl\n"
    "is a cache, which may be removed.\n";

static const char compare[] =
    "usage: runner compare RUN RUN ... [--csv | --json | --html [FILE]] [-o ROOT]\n"
    "\n"
    "Holds 2 to 8 runs against each other: the parameters that differ, and only those; what "
    "differs\n"
    "around them (data, device, plugins, commit); their scores; and whether the difference in\n"
    "accuracy is more than chance, where they were tested on the same samples.\n"
    "\n"
    "  runner compare latest:mlp_baseline latest:mlp_best\n"
    "  runner compare @1 @2                      the newest run and the one before\n"
    "  runner compare 20260914-15 20260914-16 --html\n"
    "\n"
    "RUN is a folder, a run id or the beginning of one, latest, latest:NAME, or @2 (the second\n"
    "newest) in ROOT (reports).\n"
    "\n"
    "The test is McNemar's exact test, two-sided, with Holm's correction for more than two runs;\n"
    "intervals are 95 %. \"No difference can be shown\" does not say that there is none.\n"
    "\n"
    "--html writes a page (ROOT/compare.html without FILE) that has curves, samples that only one\n"
    "got right, and the differences of the configurations, too; --json has all numbers: "
    "{\"runs\",\n"
    "\"parameters\": {path: [text of each run, or null]}, \"environment\", \"scores\": {name:\n"
    "{\"values\", \"low\", \"high\"}}, \"pairs\": [{\"a\", \"b\", \"n\", \"both\", \"only_a\", "
    "\"only_b\",\n"
    "\"neither\", \"p\", \"p_corrected\"}], \"findings\", \"diff\"}.\n";

static const char test[] =
    "usage: runner test [FILE ...] [path=value ...] [options]     also: runner FILE, runner check "
    "FILE\n"
    "       runner test record FILE ... [--seeds LIST] [--force]\n"
    "\n"
    "Runs baselines, tests/baselines/*.yaml without FILE: each seed in a process of its own, as "
    "many\n"
    "at once as there are cores for. Exit code 1 when a check does not hold, a run fails, or "
    "nothing\n"
    "could be compared. A metric that cannot be compared (n/c) never passes.\n"
    "\n"
    "  name: mlp                              # optional\n"
    "  baseline:\n"
    "    config: ../../configs/mlp_baseline.yaml\n"
    "    set: {train.epochs: 1, device.threads: 1}\n"
    "    seeds: [1, 2, 3]\n"
    "    checks:\n"
    "      - {metric: test.accuracy, min: 0.9}              # a floor, for the mean over seeds\n"
    "      - {metric: test.accuracy, within: 3 sd}          # of what was recorded, worse only\n"
    "      - {metric: test.loss, rel: 10%, direction: both} # of the recorded mean\n"
    "      - {metric: val.loss, at: epoch 1, seed: 1, rel: 1%}\n"
    "      - {metric: parameters, value: 235146, exact: true}\n"
    "      - {metric: weights.sha256, seed: 1, same: machine, on_fail: warn}\n"
    "      - {metric: train_s, max_ratio: 1.5, same: machine, on_fail: warn}\n"
    "\n"
    "record, or test --update, runs and writes what is compared with (mean, sd, value, recorded) "
    "into\n"
    "the file, shows the difference, and leaves all else of it as it was. It refuses while the "
    "git\n"
    "tree has changes, without --force. It runs the file's seeds, which values are of, and more "
    "for\n"
    "spreads: --seeds, or 20. A spread needs 5 seeds or more; 20 to 40 are better: N sd "
    "are\n"
    "deviations of the difference of two means, sd sqrt(1/k + 1/n) with k runs now and n "
    "recorded.\n"
    "\n"
    "  --seeds 1-20,30  other seeds     --jobs N      so many runs at once\n"
    "  --strict         n/c has failed  --keep        the runs of what holds stay, too\n"
    "  --junit FILE     --markdown FILE --json        the same for programs and pages\n"
    "\n"
    "The runs are in ROOT/tests/NAME/ (-o ROOT; reports) and stay where something failed; "
    "`runner\n"
    "report` makes pages of them.\n";

static const char predict[] =
    "usage: runner predict RUN FILE ... [--json | --csv] [options]\n"
    "\n"
    "What the model of a run says of files: class, probability, and what comes next; or values. "
    "RUN is\n"
    "`latest`, `latest:NAME`, an id or its beginning, or a folder. Files are IDX (gzipped or "
    "plain),\n"
    "PNG, PGM, PPM, NPY or CSV; - is standard input. They are normalised as the training data "
    "were.\n"
    "\n"
    "  runner predict latest digit.png\n"
    "  runner predict latest:cnn_small data/mnist/t10k-images-idx3-ubyte.gz --csv > said.csv\n"
    "  runner predict @2 scan.png --resize --invert       another size, dark on light\n"
    "  curl -s https://example.org/7.png | runner predict latest - --json\n"
    "\n"
    "      --weights W   best, last (those that were tested), or a safetensors file\n"
    "      --resize      scales images to the size that the model takes\n"
    "      --invert      light for dark; --as-is: even if it looks turned\n"
    "      --divide N    values by N first: 255 for bytes that were saved as floats\n"
    "      --device D    where it is computed (that of the run)\n"
    "  -o, --out DIR     where runs are (reports)\n";

static const char export[] =
    "usage: runner export RUN ... --to FORMAT [--dir DIR | --file FILE] [--weights W] [-o ROOT]\n"
    "\n"
    "Writes finished runs, or their models, for another program. RUN is a folder, an id or the\n"
    "beginning of one, latest, latest:NAME, or @2 for the second newest in ROOT (reports).\n"
    "\n"
    "Models: safetensors and npz hold the weights by PyTorch's names and in its layouts; c is a "
    "file\n"
    "of C99 that needs no library and says in its head how it is used.\n"
    "\n"
    "  runner export latest --to safetensors              in export/ of the run folder\n"
    "  runner export latest --to npz --file weights.npz   for numpy.load()\n"
    "  runner export latest --to c --file digits.c\n"
    "  runner export @1 @2 --to npz --dir models          models/<name>-<id>.npz\n"
    "\n"
    "      --weights W   best, last (those that were tested), or a safetensors file\n"
    "\n"
    "What was measured: mlflow, or a reporter with an option `dir`.\n"
    "\n"
    "  runner export latest --to mlflow                   a file store in mlruns/, or in DIR\n"
    "  runner export @1 @2 @3 --to tensorboard --dir tb   event files in tb/<name>/<id>/\n"
    "  runner export latest --to tensorboard              in tb/ of the run folder\n"
    "\n"
    "Written again, a run replaces itself. --json: {\"exported\": [path]}.\n";

static const char plugins[] =
    "usage: runner plugins [list [KIND]] [--json]\n"
    "       runner plugins describe [KIND] NAME [--json]\n"
    "       runner plugins new KIND NAME [--out DIR]\n"
    "       runner plugins verify FILE.so [--json]\n"
    "       runner plugins reference\n"
    "\n"
    "KIND is device, layer, loss, optimizer, dataset, reporter, scheduler, callback or\n"
    "augmentation. Plugins are looked for in --plugin-dir, plugins.path of the file,\n"
    "$RN_PLUGIN_PATH, and where runner is installed.\n"
    "\n"
    "new makes DIR/NAME (here without --out): a small plugin that works as it is, how to build "
    "and\n"
    "test it, and an experiment that uses it. verify loads a file and holds each plugin in it to "
    "the\n"
    "promises of its kind: gradients against differences, memory, steadiness, ... It ends with 0 "
    "when\n"
    "all hold, 1 when one is broken or the plugin crashes, 3 when the file can't be loaded.\n"
    "reference prints all sections and plugins as "
    "Markdown.\n";

static const char schema[] =
    "usage: runner schema [--out FILE] [--plugin-dir DIR]\n"
    "\n"
    "A JSON Schema of experiment files with the options of all plugins found. An editor that "
    "knows\n"
    "YAML checks and completes by it: in VS Code with the YAML extension, begin a file with\n"
    "\n"
    "  # yaml-language-server: $schema=experiment.schema.json\n";

const char *help_text(const char *topic)
{
    static const struct {
        const char *topic, *text;
    } all[] = {{"run", run},
               {"resume", resume},
               {"sweep", sweep},
               {"bench", bench},
               {"check", check},
               {"config", config},
               {"summary", summary},
               {"runs", runs},
               {"report", report},
               {"compare", compare},
               {"selftest", selftest},
               {"test", test},
               {"predict", predict},
               {"export", export},
               {"plugins", plugins},
               {"schema", schema},
               {"exit-codes", exit_codes},
               {"help", general}};

    if (!topic)
        return general;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(topic, all[i].topic))
            return all[i].text;
    return NULL;
}
