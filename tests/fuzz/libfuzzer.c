/* SPDX-License-Identifier: Apache-2.0
 * libFuzzer's door to one target, which the command line names: -DTARGET=sasl_fuzz. */
#include <stddef.h>
#include <stdint.h>

int TARGET(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return TARGET(data, size);
}
