/* compile.cc - libnvrtc.so.13: kernels by g++, as a shared object that libcuda.so.1 loads. */
#include "emulator.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <nvrtc.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" void __asan_poison_memory_region(void const volatile *, size_t) __attribute__((weak));
extern "C" void *__tsan_create_fiber(unsigned) __attribute__((weak));

struct _nvrtcProgram {
    std::string text, log, binary;
};

static bool in_word(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/* `__shared__ float a[2][3];` becomes memory of the block, fresh and poisoned. */
static std::string rewrite_shared(std::string text)
{
    static const std::string word = "__shared__ ";
    int number = 0;

    for (size_t at; (at = text.find(word)) != std::string::npos;) {
        const size_t end = text.find(';', at), type = at + word.size(), gap = text.find(' ', type);
        size_t name_end = gap + 1;
        while (in_word(text[name_end]))
            name_end++;
        const std::string of = text.substr(type, gap - type),
                          name = text.substr(gap + 1, name_end - gap - 1),
                          dims = text.substr(name_end, end - name_end);
        text.replace(at, end - at,
                     "typedef " + of + " emu_of_" + name + dims + "; emu_of_" + name + " &" + name +
                         " = *(emu_of_" + name + " *)emu->shared(" + std::to_string(number++) +
                         ", sizeof(emu_of_" + name + "))");
    }
    return text;
}

/* The names behind `__global__ void`. */
static std::string list_kernels(const std::string &text)
{
    static const std::string word = "__global__ void ";
    std::string out;

    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        size_t name = at + word.size(), end = name;
        while (in_word(text[end]))
            end++;
        out += "EMU_KERNEL(" + text.substr(name, end - name) + ")\n";
    }
    return out;
}

static std::string read_all(const std::string &path)
{
    std::string out;
    char some[65536];
    FILE *f = fopen(path.c_str(), "re");

    for (size_t n; f && (n = fread(some, 1, sizeof some, f)) > 0;)
        out.append(some, n);
    if (f)
        fclose(f);
    return out;
}

static bool run_compiler(const std::vector<std::string> &command, const std::string &log)
{
    pid_t child = fork();

    if (child == 0) {
        std::vector<char *> argv;
        for (auto &word : command)
            argv.push_back(const_cast<char *>(word.c_str()));
        argv.push_back(nullptr);
        int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        unsetenv("LD_PRELOAD");
        unsetenv("LD_LIBRARY_PATH");
        execvp(argv[0], argv.data());
        _exit(127);
    }
    int status = 1;
    while (child > 0 && waitpid(child, &status, 0) < 0)
        ;
    return child > 0 && status == 0;
}

static nvrtcResult build(nvrtcProgram p, const std::string &folder)
{
    const std::string source = folder + "/kernels.cc", object = folder + "/kernels.so",
                      log = folder + "/log";
    std::vector<std::string> command = {EMU_COMPILER,
                                        "-std=c++17",
                                        "-O2",
                                        "-g1",
                                        "-shared",
                                        "-fPIC",
                                        "-fvisibility=hidden",
                                        "-ffp-contract=off",
                                        "-fno-math-errno",
                                        "-fno-trapping-math",
                                        "-Werror",
                                        "-DEMU_KERNELS",
                                        "-include",
                                        EMU_SOURCE "/device.h",
                                        source,
                                        "-o",
                                        object,
                                        "-lm"};
    FILE *f = fopen(source.c_str(), "we");

    if (!f)
        return NVRTC_ERROR_PROGRAM_CREATION_FAILURE;
    const std::string text =
        "#line 1 \"kernels.cu\"\n" + rewrite_shared(p->text) + "\n" + list_kernels(p->text);
    fwrite(text.data(), 1, text.size(), f);
    fclose(f);
    if (__asan_poison_memory_region)
        command.insert(command.end(),
                       {"-fsanitize=address,undefined", "-fno-sanitize=vptr",
                        "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"});
    else if (__tsan_create_fiber)
        command.push_back("-fsanitize=thread");
    const bool good = run_compiler(command, log);
    p->log = read_all(log);
    if (!good)
        return NVRTC_ERROR_COMPILATION;
    const std::string so = read_all(object);
    const uint64_t n = so.size();
    p->binary = "EMUCUBIN" + std::string(reinterpret_cast<const char *>(&n), 8) + so;
    return NVRTC_SUCCESS;
}

EMU_EXPORT nvrtcResult nvrtcVersion(int *major, int *minor)
{
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

EMU_EXPORT const char *nvrtcGetErrorString(nvrtcResult r)
{
    return r == NVRTC_ERROR_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "an emulated error";
}

EMU_EXPORT nvrtcResult nvrtcCreateProgram(nvrtcProgram *p, const char *text, const char *, int n,
                                          const char *const *, const char *const *)
{
    if (wanted_to_fail("nvrtcCreateProgram"))
        return NVRTC_ERROR_OUT_OF_MEMORY;
    if (n)
        misuse("nvrtcCreateProgram with headers is not known here");
    *p = new _nvrtcProgram{text, "", ""};
    return NVRTC_SUCCESS;
}

EMU_EXPORT nvrtcResult nvrtcCompileProgram(nvrtcProgram p, int n, const char *const *options)
{
    static const char *const known[] = {"--gpu-architecture=sm_", "--ftz=true", "-default-device"};

    for (int i = 0; i < n; i++) {
        bool good = false;
        for (const char *k : known)
            good |= !strncmp(options[i], k, strlen(k));
        if (!good)
            return NVRTC_ERROR_INVALID_OPTION;
    }
    log_call("nvrtcCompileProgram");
    if (wanted_to_fail("nvrtcCompileProgram"))
        return NVRTC_ERROR_COMPILATION;
    char folder[] = "/tmp/emu-XXXXXX";
    if (!mkdtemp(folder))
        return NVRTC_ERROR_PROGRAM_CREATION_FAILURE;
    nvrtcResult r = build(p, folder);
    for (const char *file : {"/kernels.cc", "/kernels.so", "/log"})
        unlink((std::string(folder) + file).c_str());
    rmdir(folder);
    return r;
}

EMU_EXPORT nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram p, size_t *n)
{
    *n = p->log.size() + 1;
    return NVRTC_SUCCESS;
}

EMU_EXPORT nvrtcResult nvrtcGetProgramLog(nvrtcProgram p, char *out)
{
    memcpy(out, p->log.c_str(), p->log.size() + 1);
    return NVRTC_SUCCESS;
}

EMU_EXPORT nvrtcResult nvrtcGetCUBINSize(nvrtcProgram p, size_t *n)
{
    *n = p->binary.size();
    return NVRTC_SUCCESS;
}

EMU_EXPORT nvrtcResult nvrtcGetCUBIN(nvrtcProgram p, char *out)
{
    memcpy(out, p->binary.data(), p->binary.size());
    return NVRTC_SUCCESS;
}

EMU_EXPORT nvrtcResult nvrtcDestroyProgram(nvrtcProgram *p)
{
    delete *p;
    *p = nullptr;
    return NVRTC_SUCCESS;
}
