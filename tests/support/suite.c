#include "tests/support/suite.h"

#include <stdlib.h>

#include "base/secret.h"

int suite_run(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	if (!secret_init())
		return EXIT_FAILURE;
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	if (srunner_ntests_run(runner) == 0)
		failed = 1; /* a suite that runs nothing proves nothing */
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
