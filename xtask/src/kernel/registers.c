/* Preloaded into user-mode Linux before 6.14, on machines whose processors have more registers than it
 * knows of (AMX): it gives back as much of a process's state as it has room for, and the host's kernel
 * takes the whole or nothing. What it has no room for stays as it is.
 *
 *   cc -O2 -shared -fPIC -o registers.so registers.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define XSTATE ((void *)0x202) /* NT_X86_XSTATE */

/* ptrace(2), as the C library has it, but for XSTATE. */
long ptrace(enum __ptrace_request request, ...)
{
	va_list rest;
	va_start(rest, request);
	long pid = va_arg(rest, int);
	void *address = va_arg(rest, void *);
	void *data = va_arg(rest, void *);
	va_end(rest);

	if (request == PTRACE_SETREGSET && address == XSTATE) {
		struct iovec *given = data;
		static char bytes[65536];
		struct iovec whole = { bytes, sizeof bytes };
		if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, address, &whole) == 0 &&
		    whole.iov_len > given->iov_len) {
			memcpy(bytes, given->iov_base, given->iov_len);
			return syscall(SYS_ptrace, request, pid, address, &whole);
		}
	}
	/* The system call puts what it has read at `data`; the library's function returns it. */
	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
		long word;
		long failed = syscall(SYS_ptrace, request, pid, address, &word);
		if (failed < 0)
			return failed;
		errno = 0;
		return word;
	}
	return syscall(SYS_ptrace, request, pid, address, data);
}
