"""Tasks in parallel processes: results, failures and an early end."""

import multiprocessing
import operator
import time

import pytest

from sunspec_tui.plots.process_pool import Task, run_here, run_in_processes

QUICK = [Task(n, [(operator.mul, (n, n)), (operator.add, (n, 1))], sum) for n in range(3)]
FAILING = Task("fails", [(operator.truediv, (1, 0))], sum)


@pytest.mark.parametrize("run", [run_here, lambda tasks: run_in_processes(tasks, 2)])
def test_results_are_in_the_order_of_the_tasks_and_a_failure_is_one_of_them(run):
    found = list(run([*QUICK, FAILING]))
    assert found[:3] == [(n, n * n + n + 1) for n in range(3)]
    assert found[3][0] == "fails"
    assert isinstance(found[3][1], ZeroDivisionError)


@pytest.mark.timeout(120)
def test_processes_end_at_once_if_nobody_waits_for_them():
    endless = [Task(f"endless {n}", [(time.sleep, (3600,))], sum) for n in range(2)]
    running = run_in_processes([*QUICK, *endless], 1)
    assert next(running) == (0, 1)
    running.close()
    assert multiprocessing.active_children() == []
