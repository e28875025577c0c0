#include "daemon/exit_code.h"

enum exit_code exit_code_of(const struct err *err)
{
	if (err->code == ERR_PARAM)
		return EXIT_USAGE;
	if (err->code == ERR_CONFIG || err->code == ERR_PASSPHRASE)
		return EXIT_CONFIG;
	if (err->code == ERR_BUSY)
		return EXIT_OTHER;
	if (err->code == ERR_STORAGE_CORRUPT)
		return EXIT_DAMAGED;
	if (err->class == ERR_STORE || err->code == ERR_IO)
		return EXIT_STORAGE;
	return EXIT_FAILED;
}
