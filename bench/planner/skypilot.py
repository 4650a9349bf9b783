#!/usr/bin/env python3
"""SkyPilot's optimizer on the same rows: skypilot.py FOLDER_OF_LISTS

The folder holds <cloud>/vms.csv as `causeway-bench-planner --lists FOLDER` writes them. SkyPilot has no cloud of the name hyperstack, so it
gets the rows of the other two lists. Nothing is launched and no account is needed: clouds are declared enabled, and the optimizer is asked
for the cheapest resources, as `sky launch --dryrun` does. The first call reads the catalogs; the median of the later ones is printed.
"""
import csv, os, shutil, statistics, sys, tempfile, time

folder = sys.argv[1]
home = tempfile.mkdtemp(prefix="skypilot-bench-")
os.environ.update(HOME=home, SKYPILOT_DISABLE_USAGE_COLLECTION="1", SKYPILOT_DEBUG="0")
CLOUDS = ["nebius", "verda"]
rows, names = 0, set()
for cloud in CLOUDS:
    target = f"{home}/.sky/catalogs/v8/{cloud}"
    os.makedirs(target)
    # It refuses two prices of one machine in one region: the first row counts.
    seen = set()
    with open(f"{folder}/{cloud}/vms.csv", newline="") as file, open(f"{target}/vms.csv", "w", newline="") as out:
        reader = csv.DictReader(file)
        writer = csv.DictWriter(out, reader.fieldnames)
        writer.writeheader()
        for row in reader:
            key = row["InstanceType"], row["Region"]
            if key not in seen:
                seen.add(key)
                writer.writerow(row)
                names.add(row["AcceleratorName"])
    rows += len(seen)
# The list of known accelerators comes from the network otherwise.
os.makedirs(f"{home}/.sky/catalogs/v8/common")
with open(f"{home}/.sky/catalogs/v8/common/accelerators.csv", "w") as file:
    file.write("AcceleratorName,Clouds\n" + "".join(f"{name},Nebius Verda\n" for name in sorted(names - {""})))
with open(f"{home}/.sky/catalogs/v8/common/metadata.csv", "w") as file:
    file.write("GPU,Manufacturer,MemoryGB\n")

import sky
from sky import check, clouds, optimizer

enabled = [clouds.Nebius(), clouds.Verda()]
check.get_cached_enabled_clouds_or_refresh = lambda *args, **kwargs: enabled


def once(accelerators):
    task = sky.Task(run="true", num_nodes=1)
    task.set_resources({sky.Resources(accelerators={name: 8}) for name in accelerators})
    dag = sky.Dag()
    dag.add(task)
    started = time.thread_time()
    optimizer.Optimizer.optimize(dag, quiet=True)
    return time.thread_time() - started, task.best_resources


try:
    for accelerators in [["H100"], ["H100", "H200", "A100-80GB", "B200"]]:
        first, best = once(accelerators)
        times = [once(accelerators)[0] for _ in range(5)]
        print(f"| SkyPilot {sky.__version__}, {{{', '.join(accelerators)}}}: 8 of each, {rows} rows: first {first:.2f} s, then | {statistics.median(times):.3f} | |")
        print(f"  (it takes {best})", file=sys.stderr)
finally:
    shutil.rmtree(home, ignore_errors=True)
