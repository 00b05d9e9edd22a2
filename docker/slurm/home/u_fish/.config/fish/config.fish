# Noise in every fish, with or without a terminal. The last words end without a newline.
echo 'Lmod is automatically replacing "intel" with "gcc".'
echo 'stty: standard input: Inappropriate ioctl for device' >&2
echo -n 'Disk quota: 93% used '
set -e LC_ALL
set -gx LANG C
