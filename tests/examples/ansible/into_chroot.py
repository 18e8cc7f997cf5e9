"""Ansible's connection into a root below a folder: community.general.chroot is in no small package of Debian's."""

# pylint: disable=invalid-name
DOCUMENTATION = """
name: into_chroot
short_description: execute in a chroot on the controller
description: The host's address is the folder.
options:
  remote_addr:
    description: The folder.
    vars:
      - name: ansible_host
  pipelining:
    description: Modules go through standard input.
    type: bool
    default: true
"""

import os
import shlex
import shutil

from ansible.plugins.connection import local


class Connection(local.Connection):
    transport = "into_chroot"
    has_pipelining = True

    def root(self) -> str:
        return self._play_context.remote_addr

    def inside(self, path: str) -> str:
        return os.path.join(self.root(), path.lstrip("/"))

    def exec_command(self, cmd, in_data=None, sudoable=True):
        words = ["chroot", self.root(), "/bin/sh", "-c", cmd if isinstance(cmd, str) else cmd.decode()]
        return super().exec_command(shlex.join(words), in_data=in_data, sudoable=sudoable)

    def put_file(self, in_path, out_path):
        shutil.copyfile(in_path, self.inside(out_path))

    def fetch_file(self, in_path, out_path):
        shutil.copyfile(self.inside(in_path), out_path)
