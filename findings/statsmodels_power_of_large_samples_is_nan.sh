#!/usr/bin/env bash
# The power of a two-sided t test in statsmodels is NaN for many large samples, and 1 between them.
#
# Versions: statsmodels 0.15.0, scipy 1.17.1, numpy 2.4.6; Python 3.11.
# Guessed: power grows with the sample, up to 1. A sample larger than needed is the easy case.
# Seen: of an effect of one standard deviation, a paired test of 72 pairs has a power of 1, as it
# should, and one of 73 has none; of the sizes from 5 to 199, 67 have none, here and there. Two-sided
# power adds the far tail, where the test points the wrong way; that tail is practically zero, and
# SciPy's noncentral t gives NaN for some of it. The square of t, a noncentral F, has no such gaps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6
cat >"$work/run.py" <<'PYTHON'
import numpy as np
from scipy import stats
from statsmodels.stats.power import TTestPower

sizes = np.arange(5, 200)
power = np.array([TTestPower().power(effect_size=1.0, nobs=n, alpha=0.05) for n in sizes])
edge = stats.t.ppf(0.975, sizes - 1)
by_f = stats.ncf.sf(edge**2, 1, sizes - 1, sizes)
none = np.isnan(power)
print("none:", none.sum(), "first:", sizes[none][0], "rising:", bool((np.diff(power[~none]) >= 0).all()))
print("by F, none:", np.isnan(by_f).sum(), "equal:", bool(np.allclose(by_f[~none], power[~none])))
PYTHON
seen=$("$work/venv/bin/python" "$work/run.py" 2>/dev/null)
echo "$seen"
[[ $seen == "none: 67 first: 73 rising: True
by F, none: 0 equal: True" ]]
