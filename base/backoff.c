#include "base/backoff.h"

int64_t backoff_ms(uint32_t attempts)
{
	if (attempts >= 25) /* 25 squared passes 600 s */
		return 600 * 1000;
	return (int64_t)attempts * attempts * 1000;
}
