/* python.exe for tests/windows: the interpreter is python311.dll, and this hands it its arguments.
   Built without a C runtime of its own, so that Microsoft's is the only one in the process. */
#include <windows.h>
#include <shellapi.h>

typedef int (*py_main)(int, wchar_t **); /* Py_Main(), Python's C API: The Very High Level Layer */

void start(void)
{
    int count;
    wchar_t **arguments = CommandLineToArgvW(GetCommandLineW(), &count);
    HMODULE python = LoadLibraryW(L"python311.dll");
    if (!python)
        ExitProcess(103);
    ExitProcess(((py_main)(void *)GetProcAddress(python, "Py_Main"))(count, arguments));
}
