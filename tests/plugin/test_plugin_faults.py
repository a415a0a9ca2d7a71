"""How many faults of the store a simulation tries."""


def test_all_of_them_if_asked(todo):
    result = todo.run("--chatkit-sim", "-k", "store-faults", "-o", "chatkit_sim_faults=all")
    result.assert_outcomes(passed=1)
    result.stdout.no_re_match_line(".*possible faults of the store were tried, evenly spread")


def test_a_few_are_said_to_be_a_few(todo):
    result = todo.run("--chatkit-sim", "-k", "store-faults", "-o", "chatkit_sim_faults=3")
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r".*3 of \d+ possible faults of the store were tried, evenly spread"])


def test_anything_else_is_refused(todo):
    result = todo.run("-o", "chatkit_sim_faults=none")
    result.stderr.re_match_lines([r".*chatkit_sim_faults is 'none'; it takes a positive number, or all.*"])
