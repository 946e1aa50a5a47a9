#!/usr/bin/env bash
# 30 seeds of the baseline against PyTorch's 30 (pytorch_seeds.csv): the means of test accuracy and
# test loss differ by at most two standard errors of the difference, and no seed is below 96.5 %.
# Prints each mean with its standard error. Takes about two minutes.
set -euo pipefail
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for seed in $(seq "${1:-30}"); do
    build/runner configs/mlp_baseline.yaml -q -o "$out" "seed=$seed" 'reporters=[console]' '~expect'
done | sed 's/.*test.accuracy=\([0-9.]*\).*test.loss=\([0-9.]*\).*/\1,\2/' >"$out/ours.csv"
grep '^[0-9]' tests/full/pytorch_seeds.csv | cut -d, -f2,3 >"$out/peer.csv"
awk -F, '
    { k = FILENAME ~ /ours/ ? "ours" : "peer"; n[k]++
      for (i = 1; i <= 2; i++) { s[k, i] += $i; q[k, i] += $i * $i }
      if (k == "ours" && (least == "" || $1 < least)) least = $1 }
    END {
        split("accuracy loss", name, " ")
        for (i = 1; i <= 2; i++) {
            for (k in n) { m[k] = s[k, i] / n[k]; v[k] = (q[k, i] - n[k] * m[k] ^ 2) / (n[k] - 1) / n[k] }
            z = (m["ours"] - m["peer"]) / sqrt(v["ours"] + v["peer"])
            printf "test %-8s ours %.5f (se %.5f, n %d)  PyTorch %.5f (se %.5f, n %d)  difference %+.2f se\n", name[i],
                m["ours"], sqrt(v["ours"]), n["ours"], m["peer"], sqrt(v["peer"]), n["peer"], z
            bad += z < -2 || z > 2
        }
        printf "lowest accuracy of a seed: %.4f\n", least
        exit bad || least < 0.965
    }' "$out/ours.csv" "$out/peer.csv"
