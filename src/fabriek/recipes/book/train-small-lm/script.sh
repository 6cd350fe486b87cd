# One process, with all the cores and the GPU that the job has.
export OMP_NUM_THREADS="$FABRIEK_CORES"
"$python" -m fabriek_recipe.train "$parameters"
