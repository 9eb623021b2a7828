"""Compare gradients of a network in float32 with those in float64, in a process of its own.

Words: the engine, the threads, and a JSON list of cases [[batch, channels, height, width], op, arguments]. Prints a
JSON number a line: the largest relative error of each case. A process of its own is needed because the number of
threads is read once, and because a wrong kernel may crash.
"""

import json
import os
import sys

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = sys.argv[2]
    from tests.engines.gradients import worst_error

    for shape, op, arguments in json.loads(sys.argv[3]):
        print(json.dumps(worst_error(sys.argv[1], shape, op, arguments)), flush=True)
