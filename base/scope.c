#include "base/scope.h"

#include <unistd.h>

/* A scope end has nobody to tell.  Whoever needs to know that a file was written closes it by hand before. */
void fd_scope_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void file_scope_end(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
	*f = NULL;
}
