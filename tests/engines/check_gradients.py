"""Compare gradients in float32 with those in float64, for every op, in a process of its own.

Words: the engine, the number of threads, and the number of networks that are drawn for each op. Prints a line of JSON
for each case: its name and its largest relative error. A process of its own is needed because the number of threads is
read once, and because a wrong kernel may end the process.
"""

import json
import os
import sys

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = sys.argv[2]
    from tests.engines.odd_shapes import worst_errors

    for case in worst_errors(sys.argv[1], int(sys.argv[3])):
        print(json.dumps(case), flush=True)
    os._exit(0)  # An ordinary end would take the framework to pieces, for half a second or more.
