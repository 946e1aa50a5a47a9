"""A real Slurm of two nodes on this machine: munged, slurmctld and two slurmd, on the loopback
interface, with all files in one temporary folder. Ends with whoever started it.

    cluster.py COMMAND ...     runs a command with such a cluster; SLURM_CONF tells it where it is"""
import ctypes
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={dir}/munge/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
InactiveLimit=0
SlurmdTimeout={down_after_s}
SlurmctldTimeout=10
KillWait=5
MessageTimeout=5
JobRequeue=1
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool.%n
SlurmdPidFile={dir}/slurmd.%n.pid
SlurmctldPidFile={dir}/slurmctld.pid
SlurmctldPort={port}
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{port1}-{port2}] CPUs=1 RealMemory=1000 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES MaxTime=60 State=UP
"""


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def free_ports(n):
    """The first of n that follow each other."""
    for first in range(20000 + os.getpid() % 10000, 60000, n):
        sockets = []
        try:
            for port in range(first, first + n):
                s = socket.socket()
                sockets.append(s)
                s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    raise RuntimeError("no free ports")


def parent(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rsplit(")", 1)[1].split()[1])


class Cluster:
    def __init__(self, down_after_s=10):
        """down_after_s: how long a node may be silent before it counts as down."""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="slurm-"))
        self.config = self.dir / "slurm.conf"
        self.env = dict(os.environ, SLURM_CONF=str(self.config), PATH=os.environ["PATH"] + ":/usr/sbin")
        self.daemons = {}
        port = free_ports(3)
        self.config.write_text(CONFIG.format(
            host=socket.gethostname().split(".")[0], user=getpass.getuser(), dir=self.dir,
            down_after_s=down_after_s, port=port, port1=port + 1, port2=port + 2))
        for name in ("munge", "state"):
            (self.dir / name).mkdir()
        self.dir.chmod(0o755)

    def __enter__(self):
        try:
            key = self.dir / "munge.key"
            key.write_bytes(os.urandom(1024))
            key.chmod(0o400)
            m = self.dir / "munge"
            self.daemon("munged", "munged", "--foreground", f"--key-file={key}", f"--socket={m}/socket",
                        f"--pid-file={m}/pid", f"--log-file={m}/log", f"--seed-file={m}/seed")
            self.wait("munged", lambda: (m / "socket").exists())
            self.start_controller()
            for node in ("n1", "n2"):
                self.start_node(node)
            self.wait("two idle nodes", lambda: self.states() == ["idle", "idle"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for pid in self.processes():
            self.kill(pid)
        for p in self.daemons.values():
            p.wait()
        deadline = time.monotonic() + 5
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def processes(self, containing=""):
        """Every daemon, step and task of this cluster; of these, those with that word in their
        command line or environment."""
        found = []
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                env = (proc / "environ").read_bytes()
                line = (proc / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if int(proc.name) == os.getpid() or f"SLURM_CONF={self.config}".encode() not in env:
                continue
            if containing.encode() in line + env and line:
                found.append(int(proc.name))
        return found

    def daemon(self, name, *command):
        log = open(self.dir / f"{name}.log", "ab")
        self.daemons[name] = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                                              stderr=log, preexec_fn=die_with_parent)

    def start_controller(self):
        self.daemon("slurmctld", "slurmctld", "-D")

    def start_node(self, node):
        self.daemon(node, "slurmd", "-D", "-N", node)

    def end_daemon(self, name, how=signal.SIGKILL):
        self.daemons[name].send_signal(how)
        self.daemons[name].wait()

    def kill_node(self, node):
        """As if its power were cut: the daemon, its steps and their tasks at once."""
        self.end_daemon(node)
        tasks = self.processes(f"SLURMD_NODENAME={node}")
        steps = set(self.processes("slurmstepd: ")) & {parent(pid) for pid in tasks}
        for pid in [*steps, *tasks]:
            self.kill(pid)

    def run(self, *command, check=True):
        done = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout

    def tell(self, job, how="USR1"):
        """What Slurm does before the time of a job is over. While others of its array wait, scancel
        tells it and then asks again and again."""
        try:
            subprocess.run(["scancel", "--batch", f"--signal={how}", job], env=self.env, timeout=1,
                           check=False)
        except subprocess.TimeoutExpired:
            pass

    def states(self):
        return self.run("sinfo", "-h", "-N", "-o", "%t", check=False).split()

    def wait(self, what, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(f"{p.name}: {p.read_text()[-600:]}" for p in self.dir.glob("*.log"))
                raise RuntimeError(f"no {what} after {seconds} s\n{logs}")
            time.sleep(0.1)


def main():
    with Cluster() as cluster:
        sys.exit(subprocess.run(sys.argv[1:], env=cluster.env, check=False).returncode)


if __name__ == "__main__":
    main()
