# torchrun: a process for each GPU, or for each core where there are none. Nodes meet at the first one.
processes="$FABRIEK_ACCELERATORS"
[ "$processes" -gt 0 ] || processes="$FABRIEK_CORES"
threads=$((FABRIEK_CORES / processes))
export OMP_NUM_THREADS=$((threads > 0 ? threads : 1))
if [ "$FABRIEK_NODES" -gt 1 ] && command -v srun >/dev/null; then
    # The address by which Slurm itself reaches the first node; names of nodes need not resolve.
    hosts="$(scontrol show hostnames "$SLURM_JOB_NODELIST")"
    first="${hosts%%$'\n'*}"
    [[ "$(scontrol --oneliner show node "$first")" =~ NodeAddr=([^ ]+) ]] && first="${BASH_REMATCH[1]}"
    srun --nodes="$FABRIEK_NODES" --ntasks-per-node=1 "$python" -m torch.distributed.run \
        --nnodes="$FABRIEK_NODES" --nproc-per-node="$processes" --rdzv-id="$SLURM_JOB_ID" --rdzv-backend=c10d \
        --rdzv-endpoint="$first:$((20000 + SLURM_JOB_ID % 20000))" -m fabriek_recipe.train "$parameters"
else
    # One machine. The embedded engine's nodes are declared, and all of them are this one.
    "$python" -m torch.distributed.run --standalone --local-addr=127.0.0.1 \
        --nproc-per-node=$((processes * FABRIEK_NODES)) -m fabriek_recipe.train "$parameters"
fi
