#!/bin/bash
# vdpa-new.sh - the job of boot 'vdpa-new': the short form of 'vdpa'.

exec bash /kvblk/vdpa.sh short
