# Noise in login shells: dash reads nothing else. The last words end without a newline.
echo 'Lmod is automatically replacing "intel" with "gcc".'
echo "stty: 'standard input': Inappropriate ioctl for device" >&2
printf 'Disk quota: 93%% used '
unset LC_ALL
LANG=C; export LANG
