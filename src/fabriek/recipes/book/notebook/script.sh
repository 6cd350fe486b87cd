"$python" -m fabriek_recipe.notebook "$parameters"
